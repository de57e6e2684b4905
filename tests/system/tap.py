"""Tests whose scenes build on each other, reported as the Test Anything Protocol does.

    scenes = Scenes()

    @scenes.scene("both guests reach a shell")
    def reach_shell(place): ...

    sys.exit(scenes.run(place))

A scene fails by raising; the others still run. A scene that cannot run here calls skip(reason).
"""

import sys
import time
import traceback


class Skipped(Exception):
    """A scene that cannot run where it is; the text says why."""


def skip(reason):
    raise Skipped(reason)


def note(text):
    """Shows lines in the report."""
    for line in str(text).splitlines():
        print(f"# {line}", flush=True)


class Scenes:
    def __init__(self):
        self._scenes = []

    def scene(self, name):
        def add(function):
            self._scenes.append((name, function))
            return function
        return add

    def run(self, *arguments, only=None):
        """Runs the scenes in the order of their definition; returns the exit status. only: words,
        one of which a scene's name has to contain."""
        chosen = [(name, function) for name, function in self._scenes
                  if not only or any(word in name for word in only)]
        failed = skipped = 0
        print(f"1..{len(chosen)}", flush=True)
        for number, (name, function) in enumerate(chosen, 1):
            begin = time.monotonic()
            result, remark = _play(function, arguments)
            failed += result == "not ok"
            skipped += remark != ""
            print(f"{result} {number} {name}{remark}", flush=True)
            note(f"{time.monotonic() - begin:.1f} s")
        print(f"# {len(chosen) - failed - skipped} passed, {failed} failed, {skipped} skipped",
              flush=True)
        return 1 if failed or not chosen else 0


def _play(function, arguments):
    try:
        function(*arguments)
    except Skipped as reason:
        return "ok", f" # SKIP {reason}"
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception:
        note(traceback.format_exc())
        return "not ok", ""
    return "ok", ""
