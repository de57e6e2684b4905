"""Random TOML: valid documents, and mutations of documents."""

import string

BARE = string.ascii_letters + string.digits + "-_"
TEXTS = ["", "a", "hello world", "tab\there", "quote \" and '", "back\\slash", "é ü 漢 \U0001f600",
         "nul \0 esc \x1b del \x7f", "line\nline", "'''", '"""', "\u0080\u009f\ufeff\ufffe", "#=[]{}.,"]
ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def blanks(dice):
    return dice.choice(["", "", "", " ", "\t", "  "])


def comment(dice):
    return dice.choice(["", "", "", " # é comment \"'[]=", "#", "\t#\ttab"])


def newline(dice):
    return dice.choice(["\n", "\n", "\n", "\r\n", "\n\n", "\n \t\n"])


def random_text(dice):
    text = dice.choice(TEXTS)
    if dice.random() < 0.3:
        text += "".join(chr(dice.choice([dice.randrange(128), dice.randrange(0x800),
                                         dice.randrange(0xe000, 0x110000)])) for _ in range(4))
    return text


def basic(dice, text, multiline=False):
    out = []
    for char in text:
        code = ord(char)
        if char == '"' or char == "\\":
            out.append(ESCAPES[char])
        elif char == "\n" and multiline and dice.random() < 0.7:
            out.append(dice.choice(["\n", "\r\n"]))
        elif (code < 0x20 and char != "\t") or code == 0x7f or dice.random() < 0.1:
            short = ESCAPES.get(char)
            out.append(short if short and dice.random() < 0.7
                       else f"\\u{code:04x}" if code < 0x10000 and dice.random() < 0.7
                       else f"\\U{code:08X}")
        else:
            out.append(char)
        if multiline and dice.random() < 0.05:
            out.append(dice.choice(["\\\n", "\\ \n  ", "\\\r\n\n\t "]))
    return "".join(out)


def literal_ok(text, multiline):
    for char in text:
        if char == "\n" and multiline:
            continue
        if (ord(char) < 0x20 and char != "\t") or ord(char) == 0x7f:
            return False
    return "'''" not in text if multiline else "'" not in text


def string_value(dice):
    text = random_text(dice)
    form = dice.randrange(4)
    if form == 1 and literal_ok(text, False):
        return f"'{text}'"
    if form == 2:
        return '"""' + dice.choice(["", "\n", "\r\n"]) + basic(dice, text, True) \
            + dice.choice(["", '"', '""']) + '"""'
    if form == 3 and literal_ok(text, True):
        return "'''" + dice.choice(["", "\n", "\r\n"]) + text + "'''"
    return f'"{basic(dice, text)}"'


def underscored(dice, digits):
    out = digits[0]
    for digit in digits[1:]:
        out += ("_" if dice.random() < 0.1 else "") + digit
    return out


def integer(dice):
    number = dice.choice([dice.randrange(-9, 10), dice.randrange(-10**6, 10**6),
                          dice.randrange(-2**63, 2**63), 2**63 - 1, -2**63, 2**63, -2**63 - 1])
    base = dice.randrange(6)
    if number >= 0 and base < 3:
        prefix, form = [("0x", "x"), ("0o", "o"), ("0b", "b")][base]
        digits = format(number, form)
        if dice.random() < 0.3:
            digits = digits.upper()
        return prefix + underscored(dice, dice.choice(["", "0", "00"]) + digits)
    sign = "-" if number < 0 else dice.choice(["", "+", ""])
    if number == 0:
        sign = dice.choice(["", "+", "-"])
    return sign + underscored(dice, str(abs(number)))


def floating(dice):
    if dice.random() < 0.2:
        return dice.choice(["", "+", "-"]) + dice.choice(["inf", "nan"])
    text = dice.choice(["", "+", "-"]) + underscored(dice, str(dice.randrange(10**dice.randrange(1, 20))))
    fraction = dice.random() < 0.7
    if fraction:
        text += "." + underscored(dice, "".join(dice.choices(string.digits, k=dice.randrange(1, 20))))
    if not fraction or dice.random() < 0.4:
        text += dice.choice("eE") + dice.choice(["", "+", "-"]) \
            + underscored(dice, str(dice.choice([0, 1, 5, 22, 300, 308, 309, 324, 4000])))
    return text


def date(dice):
    year = dice.choice([1, 1900, 1970, 2000, 2024, 2026, 2100, 9999, dice.randrange(1, 10000)])
    return f"{year:04}-{dice.randrange(1, 13):02}-{dice.choice([1, 28, 29, 30, 31]):02}"


def time(dice):
    text = f"{dice.randrange(24):02}:{dice.randrange(60):02}:{dice.randrange(60):02}"
    if dice.random() < 0.4:
        text += "." + "".join(dice.choices(string.digits, k=dice.randrange(1, 12)))
    return text


def moment(dice):
    form = dice.randrange(4)
    if form == 0:
        return date(dice)
    if form == 1:
        return time(dice)
    text = date(dice) + dice.choice("Tt ") + time(dice)
    if form == 3:
        text += dice.choice(["Z", "z", f"+{dice.randrange(24):02}:{dice.randrange(60):02}",
                             f"-{dice.randrange(24):02}:{dice.randrange(60):02}"])
    return text


def array(dice, depth):
    def gap():
        return blanks(dice) + (comment(dice) + newline(dice) if dice.random() < 0.2 else "")

    items = [gap() + value(dice, depth + 1) + gap() for _ in range(dice.randrange(4))]
    end = "," if items and dice.random() < 0.3 else ""
    return "[" + ",".join(items) + end + gap() + "]"


def inline_table(dice, depth):
    pairs = [blanks(dice) + key(dice) + blanks(dice) + "=" + blanks(dice) + value(dice, depth + 1)
             + blanks(dice) for _ in range(dice.randrange(4))]
    return "{" + ",".join(pairs) + "}" if pairs else "{" + blanks(dice) + "}"


def value(dice, depth=0):
    kinds = [string_value, string_value, integer, floating, moment,
             lambda dice: dice.choice(["true", "false"])]
    if depth < 4:
        kinds += [lambda dice: array(dice, depth), lambda dice: inline_table(dice, depth)]
    return dice.choice(kinds)(dice)


def key_part(dice):
    form = dice.randrange(8)
    if form == 0:
        return f'"{basic(dice, random_text(dice))}"'
    if form == 1:
        text = random_text(dice)
        return f"'{text}'" if literal_ok(text, False) else "''"
    if form < 6:
        return dice.choice(["a", "b", "c", "d", "type", "value", "1", "-", "_"])
    return "".join(dice.choices(BARE, k=dice.randrange(1, 8)))


def key(dice):
    parts = dice.choice([1, 1, 1, 1, 2, 3])
    dot = blanks(dice) + "." + blanks(dice)
    return dot.join(key_part(dice) for _ in range(parts))


def random_document(dice):
    """Valid but for keys that meet by chance, which is a test of its own."""
    lines = []
    for _ in range(dice.randrange(1, 12)):
        kind = dice.random()
        if kind < 0.2:
            line = "[" + blanks(dice) + key(dice) + blanks(dice) + "]"
        elif kind < 0.3:
            line = "[[" + blanks(dice) + key(dice) + blanks(dice) + "]]"
        else:
            line = key(dice) + blanks(dice) + "=" + blanks(dice) + value(dice)
        lines.append(blanks(dice) + line + blanks(dice) + comment(dice))
    text = "".join(line + newline(dice) for line in lines)
    return text if dice.random() < 0.8 else text.rstrip("\n\r \t")


SNIPPETS = [b"[", b"]", b"[[", b"]]", b"{", b"}", b"=", b".", b",", b"#", b'"', b"'", b'"""', b"'''",
            b"\\", b"\\u0041", b"\\ud800", b"_", b"-", b"+", b"e", b"0", b"00", b"0x", b":", b"Z", b"T",
            b"\n", b"\r", b"\r\n", b"\0", b"\x7f", b"\x80", b"\xff", b"\xc0\x80", b"\xed\xa0\x80",
            b"\xef\xbb\xbf", b"true", b"inf", b"nan", b"a", b"a.b", b" ", b"\t", b"\x0b", b"\xc2\x85"]


def mutate(dice, document):
    data = bytearray(document)
    for _ in range(dice.choice([1, 1, 1, 2, 4])):
        at = dice.randrange(len(data) + 1)
        kind = dice.randrange(5)
        if kind == 0:
            del data[at:at + dice.randrange(1, 4)]
        elif kind == 1:
            data[at:at] = dice.choice(SNIPPETS)
        elif kind == 2 and data:
            data[at:at + 1] = bytes([dice.choice([dice.randrange(128), dice.randrange(256)])])
        elif kind == 3:
            end = min(len(data), at + dice.randrange(1, 30))
            data[at:at] = data[at:end]
        else:
            data[at:at + 1] = dice.choice(SNIPPETS)
    return bytes(data)
