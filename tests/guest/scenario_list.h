#ifndef SCENARIO_LIST_H
#define SCENARIO_LIST_H

/* What a tiny guest can do, by the first word of its command line. */
#define SCENARIOS(each) \
	each(boot) each(registers) each(reads) each(entropy) each(hostile) each(console) \
		each(serial) each(silence) each(button) each(deaf) each(restart) each(panic) \
			each(fault) each(nowhere) each(numbers) each(processors) each(rings) \
				each(sizes) each(echo) each(flood) each(frames) each(halves) \
					each(mirror) each(carrier) each(badframe)

#endif
