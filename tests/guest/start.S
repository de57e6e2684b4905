/*
 * Both ways into a guest kernel: PVH (32-bit, no paging, EBX: hvm_start_info) and the 64-bit
 * protocol of a bzImage (long mode, RSI: boot_params; 0x200 behind the beginning).
 */
	.section .note.pvh, "a", @note
	.long	4, 4, 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.long	pvh_start

	.section .head, "ax", @progbits
	.code64
head:
	hlt
	.org	head + 0x200
	/* The loader's page tables are its own affair: use ours, which map 4 GiB. */
	mov	%rsi, %r12
	mov	$1, %r13d
	mov	$page_map, %eax
	mov	%rax, %cr3
	lgdt	gdt_pointer
	mov	$stack_end, %esp
	push	$0x08
	push	$enter_main
	lretq

	.text
	.code32
	.global	pvh_start
pvh_start:
	mov	$gdt_pointer, %eax
	lgdt	(%eax)
	mov	$page_map, %eax
	mov	%eax, %cr3
	mov	%cr4, %eax
	or	$0x20, %eax		/* PAE */
	mov	%eax, %cr4
	mov	$0xc0000080, %ecx	/* EFER */
	rdmsr
	or	$0x100, %eax		/* long mode */
	wrmsr
	mov	%cr0, %eax
	or	$0x80000000, %eax	/* paging */
	mov	%eax, %cr0
	ljmp	$0x08, $long_mode

	.code64
long_mode:
	mov	%ebx, %r12d
	xor	%r13d, %r13d
enter_main:
	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$stack_end, %esp
	mov	$bss_start, %edi
	mov	$bss_end, %ecx
	sub	%edi, %ecx
	xor	%eax, %eax
	rep stosb
	mov	%r13d, %edi
	mov	%r12, %rsi
	call	guest_main
halt:
	hlt
	jmp	halt

	/*
	 * Where other processors start, copied to a page below 1 MiB: real mode, one count. The
	 * page's number is in the code segment.
	 */
	.code16
	.global	processor_start, processor_count, processor_end
processor_start:
	mov	%cs, %ax
	mov	%ax, %ds
	lock incw processor_count - processor_start
1:	hlt
	jmp	1b
	.balign	4
processor_count:
	.long	0
processor_end:
	.code64

	/* One stub a vector: count, and tell the interrupt controller. */
	.global	interrupt_stub
interrupt_stub:
	push	%rax
	push	%rcx
	push	%rdx
	incq	interrupt_count
	mov	$0x80b, %ecx		/* x2APIC EOI */
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
	pop	%rdx
	pop	%rcx
	pop	%rax
	iretq

	.data
	.balign	8
gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* 64-bit code */
	.quad	0x00cf93000000ffff	/* data */
gdt_end:
gdt_pointer:
	.word	gdt_end - gdt - 1
	.quad	gdt

	/* Identity map of 4 GiB by pages of 2 MiB. */
	.balign	4096
page_map:
	.quad	page_directories + 3
	.fill	511, 8, 0
page_directories:
	.quad	page_directory + 0x0003
	.quad	page_directory + 0x1003
	.quad	page_directory + 0x2003
	.quad	page_directory + 0x3003
	.fill	508, 8, 0
page_directory:
	.set	i, 0
	.rept	2048
	.quad	i * 0x200000 + 0x83
	.set	i, i + 1
	.endr

	.bss
	.balign	16
	.skip	16384
stack_end:

	.section .note.GNU-stack, "", @progbits
