"""Corner cases of TOML 1.0.0, written from the standard: VALID and INVALID documents as bytes.

toml/valid-values.txt and toml/invalid-values.txt have one value a line; what needs more than one
line, or bytes that an editor would spoil, is here.
"""

import pathlib

HERE = pathlib.Path(__file__).parent / "toml"

VALID_DOCUMENTS = [
    b"", b"\n", b" ", b"\t\n", b"\r\n", b"#", b"# comment", b"#\n", b"#\r\n", b"# \t tab\n", b"  # a\n",
    b"# \xc3\xa9 \xf0\x9f\x98\x80\n", b"\n\n\n#\n\n", b"a=1", b"a=1\r\n", b"a=1#", b"a=1 # b\r\nb=2",
    b"\ta\t=\t1\t\n", b"# \xc2\x80\xc2\x9f C1 is allowed", b"a='\xc2\x80'",
    # keys
    b"1=1", b"-=1", b"_=1", b"1-2_3=1", b"true=1", b"inf=1", b"1979-05-27=1", b"''=1", b'""=1', b"' '=1",
    b'"\\u0000"=1', b'"\\u00e9"=1', b"'\\u00e9'=1", b'"a.b"=1', b"a.b=1", b"a . b=1", b"a\t.\tb =1",
    b"a.'b c'.\"d\\te\"=1", b"''.\"\".''=1", b"3.14=1", b"a.1.-.2=1", b"1.2=3\n1.3=4", b"a.b=1\na.c=2",
    b"a.b=1\nc=2\na.d=3", b"a.b.c=1\na.d=2\na.b.e=3", b'"#"=1', b'"=" = 1', b"a=1\nA=2",
    b'"\xc3\xa9"=1\n"e\xcc\x81"=2',
    # strings of more than one line
    b'a="""\n"""', b'a="""\r\n"""', b'a="""\n\n"""', b'a="""\na\nb\n"""', b'a="""\r\na\r\nb"""',
    b'a="""\\\n"""', b'a="""\\\n  b"""', b'a="""a \\\n\n\t b"""', b'a="""a\\  \n b"""', b'a="""a\\\r\n b"""',
    b'a="""a\\\t\r\n\r\n b"""', b'a="""\\\n\\\n\\\n"""', b'a="""\\\n\n\n"""', b'a="""\n\\\\\n"""',
    b"a='''\n'''", b"a='''\r\n'''", b"a='''\n\na\\\n'''", b"a='''a\r\nb'''", b'a="""a\n""b\n"c"""',
    b"a='''\na\n''b\n'c'''", b'a="""\t"""', b"a='''\t'''", b'a="""x""" # c', b"a='''x'''#",
    # arrays over lines
    b"a=[\n]", b"a=[\r\n]", b"a=[ # c\n]", b"a=[\n1\n,\n2\n]", b"a=[\n1, # c\n\n# d\n2, # e\n]", b"a=[1 #\n]",
    b"a=[[\n1,\n],\n# c\n]", b'a=["""\na""",\n\'\'\'\nb\'\'\']', b"a=[{b=[\n1,\n]}]", b"a={b=[\n1,\n]}",
    b'a={b="""\nx"""}', b"a=[{a=1},\n{b=2}]",
    # tables
    b"[a]", b"[a]\n", b"[ a ]", b"[\ta\t]", b"[a]#c", b" [a] ", b"[a.b]", b"[ a . b ]", b"[a]\n[b]",
    b"['a']", b'["a"]', b"['']", b'[""]', b"[a.'b.c'.d]", b"[1]\n[-]\n[_]", b"[a]\nb=1\n[c]\nb=1",
    b"[a.b]\n[a]", b"[a.b.c]\n[a]\n[a.b]", b"[a.b]\nc=1\n[a]\nd=1", b"[a]\n[a.b]\n[a.c]", b"[a]\n[b]\n[a.c]",
    b"[a]\nb.c=1", b"[a]\nb.c=1\nb.d=2", b"[a]\nb.c=1\n[a.d]", b"[a]\nb.c=1\n[a.b.d]\ne=1",
    b"a.b=1\n[a.c]\nd=1", b"a.b.c=1\n[a.b.d]\n[a.e]", b"[a.b.c]\n[a]\nb.d=1",
    b"[true]\n[inf]", b"[a]\na=1\n[b]\n[b.a]", b"[a]\n[a.a]\n[a.a.a]\na.a=1", b"a=1\n[b]\na=2",
    # arrays of tables
    b"[[a]]", b"[[a]]\n[[a]]", b"[[ a ]]", b"[[a.b]]", b"[[ a . b ]]", b"[['a']]", b"[[a]]#c", b"[[a]]\nb=1",
    b"[[a]]\nb=1\n[[a]]\nb=2", b"[[a]]\n[a.b]\n[[a]]\n[a.b]", b"[[a]]\n[[a.b]]\n[[a.b]]\n[[a]]\n[[a.b]]",
    b"[[a]]\n[a.b]\nc=1\n[[a.d]]\n[a.d.e]", b"[[a]]\nb.c=1\n[[a]]\nb.c=1", b"[a]\n[[a.b]]\n[a.b.c]",
    b"[[a.b]]\n[a]", b"[[a.b]]\nx=1\n[a]\ny=1", b"a.b=1\n[[a.c]]", b"[a]\nb.c=1\n[[a.b.d]]\n[[a.b.d]]",
    b"[[a]]\n[b]\n[[a]]", b"[[a]]\nb.c=1\n[a.b.d]", b"[[a.b.c]]\n[[a.b.d]]\n[a.b.e]", b"[[a]]\n[a.b.c]\n[a.b]",
    b"[a.b]\n[[a.c]]\n[[a.c]]", b"[[a]]\nb=[{c=1}]\n[[a]]\nb=2",
    # deep, but not too deep
    b"a=" + b"[" * 128 + b"]" * 128, b"a=" + b"{a=" * 128 + b"1" + b"}" * 128, b"a." * 128 + b"a=1",
    b"[" + b"a." * 127 + b"a]\nb=1", b"[[" + b"a." * 126 + b"a]]\nb=1",
    # long
    b"a=" + b"1" * 18, b"a=0." + b"1" * 5000, b"a=1" + b"0" * 400 + b".0", b"a='" + b"x" * 10000 + b"'",
    b"x" * 10000 + b"=1", b"a=[" + b"1," * 20000 + b"]", b"#" + b" " * 100000,
    b"".join(b"k%d=%d\n" % (i, i) for i in range(20000)), b"".join(b"[[a]]\n" for i in range(20000)),
    b"".join(b"a.k%d={}\n" % i for i in range(10000)),
]

INVALID_DOCUMENTS = [
    # characters
    b"\0", b"a=1\0", b"\x01", b"\x0b", b"\x0c", b"\x7f", b"\r", b"a=1\r", b"a=1\rb=2", b"#\r", b"#a\rb", b"# \0",
    b"# \x01", b"# \x1f", b"# \x7f", b"a='\0'", b"a='\x1f'", b"a='\x7f'", b"a='\r'", b'a="\0"', b'a="\x08"',
    b'a="\x7f"', b'a="\r"', b'a="""\0"""', b'a="""\x7f"""', b'a="""\r"""', b'a="""a\rb"""', b"a='''\0'''",
    b"a='''\x7f'''", b"a='''\r'''", b"a='''\r\r\n'''", b'a="""\\\r"""', b"a=[\r1]", b"a\r=1", b"[a]\r[b]",
    b"a=1\xc2\xa0", b"\xc2\xa0a=1", b"a\xe2\x80\xa8=1", b"a=1\xc2\x85", b"a=[1,\x0b2]", b"a=[1,\x0c2]",
    b"'\0'=1", b'"\n"=1', b"'\x7f'=1", b'"\x7f"=1', b"a=1 \x00", b"a = \x0b1",
    # encodings
    b"\xef\xbb\xbf", b"\xef\xbb\xbfa=1", b"a=1\xef\xbb\xbf", b"\xff\xfea\0=\0001\0", b"\xfe\xff\0a\0=\0001",
    b"\x80", b"#\x80", b"#\xbf", b"#\xc0\x80", b"#\xc1\xbf", b"#\xe0\x80\x80", b"#\xe0\x9f\xbf",
    b"#\xf0\x80\x80\x80", b"#\xf0\x8f\xbf\xbf", b"#\xed\xa0\x80", b"#\xed\xbf\xbf", b"#\xf4\x90\x80\x80",
    b"#\xf5\x80\x80\x80", b"#\xf8\x88\x80\x80\x80", b"#\xfc\x84\x80\x80\x80\x80", b"#\xfe", b"#\xff",
    b"#\xc3", b"#\xc3\n", b"#\xe2\x82", b"#\xe2\x82\n", b"#\xf0\x9f\x98", b"#\xc3\x28", b"a='\xff'",
    b"a='\xed\xa0\x80'", b'a="\xc0\xaf"', b'a="""\xe2\x28\xa1"""', b"'\xff'=1", b"a='\xc3'",
    # keys
    b"a", b"a\n", b"=", b"=1", b"a=", b"a=\n", b"a=#", b"a=\n1", b"a\n=1", b"a b=1", b"a'b'=1", b"'a'b=1",
    b"a==1", b"a=1=2", b"a=1 b=2", b"a=1,b=2", b"a=1;b=2", b".=1", b".a=1", b"a.=1", b"a..b=1", b"a. .b=1",
    b"a.\nb=1", b'"a=1', b"'a=1", b'"""a"""=1', b"'''a'''=1", b'a."""b"""=1', b"a$=1", b"a!b=1", b"a/b=1",
    b"a@=1", b"a+b=1", b"*=1", b"\xc3\xa9=1", b"a\xc3\xa9=1", b"[]=1", b"{a=1}", b"a:1", b"a: 1", b"a",
    b"a.b", b'"\\x"=1', b'"\\ud800"=1', b"a=1 a", b"a=1]", b"a=1}", b"a=1\n]", b"1", b'"a"', b",", b"a=1,",
    b"a=1\na=1", b"a=1\n'a'=1", b'a=1\n"\\u0061"=1', b"a.b=1\na.b=2", b"a.b=1\na=2", b"a=1\na.b=2",
    b"a=[]\na.b=1", b"a={}\na.b=1", b"a={b=1}\na.c=2", b"a.b={}\na.b.c=1", b"a=[{}]\na.b=1", b"''=1\n\"\"=2",
    b"a.b.c=1\na.b=2", b"a.b=1\na.b.c=2", b"a='x'\na.b=1",
    # headers
    b"[", b"[a", b"[]", b"[ ]", b"[a]]", b"[[a]", b"[[a", b"[[]]", b"[[ ]]", b"[ [a]]", b"[[a] ]", b"[[a]\n]",
    b"[a\n]", b"[\na]", b"[a b]", b"[a.]", b"[.a]", b"[a..b]", b"[.]", b"[a]b", b"[a]b=1", b"[a]=1", b"[a] [b]",
    b"[[a]][b]", b"[[a]]b=1", b"[a#]", b"[#a]", b"[\"a]", b"['a]", b"[a'b']", b"[\xc3\xa9]", b"[a=1]", b"[a,b]",
    b"[\"\"\"a\"\"\"]", b"['''a''']", b"[a]\r", b"[{}]", b"[[[a]]]", b"[a];", b"[$]", b"[a$]", b"[a].b=1",
    # tables defined twice, or against what is there
    b"[a]\n[a]", b"[a]\n['a']", b"[a]\n[b]\n[a]", b"[a.b]\n[a]\n[a]", b"[a.b]\n[a.b]", b"a=1\n[a]",
    b"a=1\n[a.b]", b"a=[]\n[a]", b"a=[]\n[a.b]", b"a={}\n[a]", b"a={}\n[a.b]", b"a={b={}}\n[a.b]",
    b"a={b={}}\n[a.b.c]", b"a=[{}]\n[a.b]", b"a.b=1\n[a]", b"a.b=1\n[a.b]", b"a.b.c=1\n[a.b]", b"a.b.c=1\n[a]",
    b"[a]\nb=1\n[a.b]", b"[a]\nb=1\n[a.b.c]", b"[a]\nb.c=1\n[a.b]", b"[a]\nb.c.d=1\n[a.b.c]", b"[a.b]\n[a]\nb=1",
    b"[a]\nb={}\n[a.b]", b"[a]\nb={}\n[a.b.c]", b"[a]\nb={c={}}\n[a.b.c.d]", b"[a]\n[a.b]\n[a]\nc=1",
    b"[a.b.c]\nz=9\n[a]\nb.c.t=1", b"[a.b.c.d]\nz=9\n[a]\nb.c.d.k.t=1", b"[a.b]\nc=1\n[a]\nb.d=1", b"[a.b]\n[a]\nb.c=1",
    b"[a.b]\n[a]\nb.c=1\n[a.b]", b"[[a.b]]\n[a]\nb.c=1", b"[a]\nb.c=1\nb=2", b"[a]\nb=1\nb.c=2",
    b"[a]\nb={}\nb.c=1", b"[a]\nb=[]\nb.c=1", b"[a]\nb=1\nb=2", b"[a]\nb.c=1\nb.c=2",
    # arrays of tables against what is there
    b"a=1\n[[a]]", b"a=[]\n[[a]]", b"a=[{}]\n[[a]]", b"a={}\n[[a]]", b"[a]\n[[a]]", b"[[a]]\n[a]",
    b"[a.b]\n[[a]]", b"[[a]]\n[[a]]\n[a]", b"[[a]]\n[a.b]\n[a.b]", b"[[a]]\n[a.b]\n[[a.b]]", b"[[a]]\n[[a.b]]\n[a.b]",
    b"[a]\nb=[]\n[[a.b]]", b"[a]\nb=[{}]\n[[a.b]]", b"a.b=1\n[[a]]", b"a.b.c=1\n[[a.b]]", b"[a]\nb.c=1\n[[a.b]]",
    b"[[a]]\nb=1\n[a.b]", b"[[a]]\nb=1\n[[a.b]]", b"[[a]]\nb=1\nb=2", b"[[a]]\nb=[{}]\n[[a.b]]",
    b"[[a]]\nb={}\n[a.b.c]", b"[[a]]\nb.c=1\n[a.b]", b"a=1\n[[a.b]]", b"a=[1]\n[[a.b]]", b"[[a.b]]\n[[a]]",
    b"[a]\nb=1\n[[a.b]]", b"a=[[]]\n[[a]]", b"a=[{b=[{}]}]\n[[a.b]]", b"[[a]]\n['a']",
    # values of more than one line that must not be
    b'a="\n"', b"a='\n'", b'a="b\nc"', b"a={\n}", b"a={b=1\n}", b"a={\nb=1}", b"a={b=1,\nc=2}", b"a={b\n=1}",
    b"a={b=\n1}", b"a={b=1 #\n}", b"a={#\n}", b'a="""', b'a="""\n', b'a="""\n"', b'a="""\n""', b"a='''\n''",
    b'a="""\\\n', b'a="""\\', b'a="\\', b'a="\\\n"', b"a=[\n1\n2]", b"a=[\n", b"a=[1,\n", b"a=[#]", b"a=[1\n#]",
    b'a="""\\ x\n"""', b'a="""\\q"""', b'a="""\\u00"""', b'a="""\\UFFFFFFFF"""',
    # beyond our limits, or meant to be slow
    b"a=" + b"[" * 129 + b"]" * 129, b"a=" + b"{a=" * 129 + b"1" + b"}" * 129, b"a." * 129 + b"a=1",
    b"[" + b"a." * 128 + b"a]", b"[[" + b"a." * 127 + b"a]]", b"a=" + b"[" * 1000000, b"a." * 500000,
    b"[" * 1000000, b"a=" + b"{a=" * 300000, b"#" * 1048577, b"a='" + b"x" * 2000000 + b"'",
    b"a=[" + b"'\xc3\xa9'," * 150000 + b"@", b"a=" + b"9" * 1000000,
    b"".join(b"k%d=%d\n" % (i, i) for i in range(20000)) + b"k0=1",
    b"a=1e" + b"_" * 100000, b"a=\"" + b"\\\"" * 400000, b"a='''" + b"''\n" * 300000,
]


def from_file(name):
    return [b"a = " + line for line in (HERE / name).read_bytes().split(b"\n")[:-1]]


VALID = VALID_DOCUMENTS + from_file("valid-values.txt")
INVALID = INVALID_DOCUMENTS + from_file("invalid-values.txt")
