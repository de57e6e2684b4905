#!/usr/bin/python3
"""Judges the TOML reader: toml-json and Python's tomllib must agree on every document.

Usage: toml_against_tomllib.py TOML_JSON [--count N] [--seed N]

Documents are hand-made corner cases of the standard (toml_corner_cases.py), random valid
documents, and mutations of both. Compared are the verdict and, for valid documents, all values.
The seed is printed, and a failing document is printed with it.
"""

import argparse
import concurrent.futures
import datetime
import json
import math
import random
import re
import struct
import subprocess
import sys
import tomllib

from toml_corner_cases import INVALID, VALID
from toml_random import mutate, random_document

TIMEOUT_SECONDS = 60
ERROR_LINE = re.compile(r"[1-9][0-9]*:[1-9][0-9]*: [^\x00-\x1f\x7f-\x9f]+\n")

# Where tomllib and the reader differ for a good reason: name, reason, and how it is told that a
# document shows the difference. First what only the reader refuses, told by its message.
OUR_LIMITS = [
    ("integers", "tomllib reads integers of any size; TOML 1.0 wants an error beyond 64 bits",
     "the integer does not fit in 64 bits"),
    ("depth", "tomllib nests without a limit of its own; ours is 128",
     "arrays and tables are nested more than 128 deep"),
    ("size", "tomllib reads documents of any size; ours end at 1 MiB",
     "the document is larger than 1 MiB"),
]
# What only tomllib refuses, told by the document.
THEIR_LIMITS = [
    ("leap second", "RFC 3339 has second 60; Python's datetime does not",
     re.compile(rb"[0-9]{2}:[0-9]{2}:60")),
    ("year 0", "RFC 3339 has the year 0000; Python's datetime begins with 1",
     re.compile(rb"0000-[0-9]{2}-[0-9]{2}")),
]


def float_key(number):
    """A float by its bits, except that every NaN is the same."""
    return "nan" if math.isnan(number) else struct.pack(">d", number).hex()


def normal_expected(value):
    """What tomllib read, in a form that can be compared."""
    if isinstance(value, dict):
        return {key: normal_expected(item) for key, item in value.items()}
    if isinstance(value, list):
        return [normal_expected(item) for item in value]
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, int):
        return ("integer", value)
    if isinstance(value, float):
        return ("float", float_key(value))
    if isinstance(value, datetime.datetime):
        kind = "datetime" if value.tzinfo else "datetime-local"
        offset = value.utcoffset() // datetime.timedelta(minutes=1) if value.tzinfo else None
        return (kind, value.replace(tzinfo=None).isoformat(), offset)
    if isinstance(value, datetime.date):
        return ("date-local", value.isoformat())
    if isinstance(value, datetime.time):
        return ("time-local", value.isoformat())
    return ("string", value)


def cut_fraction(text):
    """Fractions in Python end at microseconds."""
    return re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", text)


def normal_scalar(kind, text):
    if kind == "bool":
        return (kind, {"true": True, "false": False}[text])
    if kind == "integer":
        return (kind, int(text))
    if kind == "float":
        return (kind, float_key(float(text)))
    if kind == "datetime":
        value = datetime.datetime.fromisoformat(cut_fraction(text))
        offset = value.utcoffset() // datetime.timedelta(minutes=1)
        return (kind, value.replace(tzinfo=None).isoformat(), offset)
    if kind == "datetime-local":
        return (kind, datetime.datetime.fromisoformat(cut_fraction(text)).isoformat(), None)
    if kind == "date-local":
        return (kind, datetime.date.fromisoformat(text).isoformat())
    if kind == "time-local":
        return (kind, datetime.time.fromisoformat(cut_fraction(text)).isoformat())
    if kind == "string":
        return (kind, text)
    raise ValueError(f"unknown type {kind}")


def normal_actual(value):
    """What toml-json printed, in the same form."""
    if isinstance(value, list):
        return [normal_actual(item) for item in value]
    if set(value) == {"type", "value"} and isinstance(value["type"], str):
        try:
            return normal_scalar(value["type"], value["value"])
        except ValueError:
            return ("unknown to Python", value["type"], value["value"])
    return {key: normal_actual(item) for key, item in value.items()}


def expected(document):
    """What tomllib says: the values, or None."""
    try:
        return normal_expected(tomllib.loads(document.decode()))
    except (ValueError, RecursionError):
        return None


def run(program, document):
    """The values or None, and what is wrong with how the program ended."""
    result = subprocess.run([program], input=document, capture_output=True,
                            timeout=TIMEOUT_SECONDS, check=False)
    message = result.stderr.decode()
    if result.returncode == 0:
        return normal_actual(json.loads(result.stdout)), None, message
    if result.returncode != 1:
        return None, f"exit status {result.returncode}: {message}", message
    if not ERROR_LINE.fullmatch(message):
        return None, f"error message of another form: {message!r}", message
    return None, None, message


def judge(program, document):
    """None when the two agree, else what is wrong."""
    actual, problem, message = run(program, document)
    if problem:
        return problem
    wanted = expected(document)
    if actual == wanted:
        return None
    if actual is None:
        if any(text in message for name, reason, text in OUR_LIMITS):
            return None
        return f"refused, but tomllib accepts it: {message}"
    if wanted is None:
        if any(pattern.search(document) for name, reason, pattern in THEIR_LIMITS):
            return None
        return "accepted, but tomllib refuses it"
    return f"tomllib read {wanted}\ntoml-json   {actual}"


def verdict(program, document, valid):
    """For the hand-made cases, which say themselves what is right."""
    actual, problem, message = run(program, document)
    if problem:
        return problem
    if (actual is not None) != valid:
        return f"must be {'valid' if valid else 'invalid'}: {message}"
    # Refused documents made to be slow are slow for tomllib: no second opinion on these.
    if not valid and len(document) > 100000:
        return None
    return judge(program, document)


def generated(dice, count):
    """Random documents and mutations of them and of the hand-made ones, half and half."""
    valid = list(VALID)
    documents = []
    for i in range(count):
        if i % 2 == 0:
            documents.append(random_document(dice).encode())
            valid.append(documents[-1])
        else:
            documents.append(mutate(dice, dice.choice(valid)))
    return documents


def run_suite(pool, function, documents):
    """True when nothing is wrong with any document; the first that are not are shown."""
    jobs = [(pool.submit(function, document), document) for document in documents]
    problems = [(document, job.result()) for job, document in jobs]
    problems = [(document, problem) for document, problem in problems if problem]
    for document, problem in problems[:10]:
        print(f"# {document[:2000]!r}\n# " + problem.rstrip("\n").replace("\n", "\n# "))
    return not problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = parser.parse_args()
    sys.setrecursionlimit(10000)
    suites = [
        (f"{len(VALID)} valid documents made by hand",
         lambda document: verdict(options.program, document, True), VALID),
        (f"{len(INVALID)} invalid documents made by hand",
         lambda document: verdict(options.program, document, False), INVALID),
        (f"{options.count} generated documents, seed {options.seed}",
         lambda document: judge(options.program, document),
         generated(random.Random(options.seed), options.count)),
    ]
    failed = False
    print(f"1..{len(suites)}")
    with concurrent.futures.ThreadPoolExecutor(max_workers=3) as pool:
        for number, (name, function, documents) in enumerate(suites, 1):
            good = run_suite(pool, function, documents)
            failed = failed or not good
            print(f"{'ok' if good else 'not ok'} {number} {name}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
