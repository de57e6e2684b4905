#ifndef CONSOLE_KEY_H
#define CONSOLE_KEY_H

/*
 * NULL, or why no guest can have this key behind the escape key, as in "is no visible character".
 * Those that muxd itself has there are listed here for both programs (mux/viewer/keys.c says what
 * they do).
 */
const char *console_key_problem(char key);

#endif
