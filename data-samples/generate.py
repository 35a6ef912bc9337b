#!/usr/bin/env python3
"""Writes the data sets of this directory again: Python 3, standard library only.

    python3 data-samples/generate.py [--seed 1] [--output DIR] [--check]

The same seed gives the same bytes. --check writes nothing and fails if the files differ from what
the seed gives.

A closed small world (opposites, colors, animals, sums, units, calendar, spelling...) makes
questions. Each question has a kernel of truth, so a good answer can be built, and a bad one for
each of five flaws. A cell is (task, item, phrasing). Held-out rows use cells that no training file
uses, and for each task one phrasing that no training file uses at all.
"""

import argparse
import collections
import json
import pathlib
import random
import sys

# --- the world -------------------------------------------------------------------------------

# Entries, parted by | or a line end; the last word of each is the value of the words before.
OPPOSITES = """hot cold|big small|fast slow|up down|left right|happy sad|old young|day night
black white|open closed|full empty|high low|wet dry|hard soft|rich poor|early late|long short
good bad|strong weak|near far"""

COLORS = """grass green|snow white|coal black|blood red|the sky blue|the sun yellow
a lemon yellow|a tomato red|a carrot orange|a frog green|milk white|chocolate brown
a crow black|a cherry red|the sea blue|a pumpkin orange|a plum purple|a pig pink|a mouse gray"""

SOUNDS = """dog barks|cat meows|cow moos|duck quacks|lion roars|sheep bleats|horse neighs
pig oinks|bee buzzes|snake hisses|owl hoots|wolf howls|mouse squeaks|frog croaks|bird sings
rooster crows"""

CAPITALS = """France Paris|Italy Rome|Spain Madrid|Germany Berlin|Japan Tokyo|China Beijing
Egypt Cairo|Greece Athens|Norway Oslo|Austria Vienna|Portugal Lisbon|Poland Warsaw
Russia Moscow|Cuba Havana|Peru Lima|Kenya Nairobi"""

LEGS = """dog 4|cat 4|horse 4|spider 8|ant 6|bee 6|duck 2|owl 2|crab 10|snake 0|fish 0|worm 0"""

KINDS = """rose flower|tulip flower|daisy flower|apple fruit|pear fruit|plum fruit|hammer tool
saw tool|drill tool|chair furniture|table furniture|bed furniture|piano instrument
guitar instrument|violin instrument|car vehicle|bus vehicle|train vehicle|oak tree|pine tree"""

PLURALS = """cat cats|dog dogs|mouse mice|child children|foot feet|tooth teeth|box boxes
fox foxes|city cities|baby babies|leaf leaves|wolf wolves|knife knives|man men|goose geese
book books|tree trees|bird birds"""

# From small to big: a pair of them is a comparison.
SIZES = "ant mouse cat dog pig lion horse elephant".split()

DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = (
    "January February March April May June July August September October November December".split()
)

SPELLING = """cat dog sun sky red tree fish bird milk rain snow star moon book""".split()

CHAT = [
    (
        "hello",
        ["Hello!", "Hi there!", "Hey!", "Good day!", "Hi!", "Hello there!"],
        "hello, how can I help you?",
    ),
    (
        "morning",
        ["Good morning!", "Morning!", "A good morning to you!", "Good morning to you!"],
        "good morning to you too.",
    ),
    ("night", ["Good night!", "Night!", "I am off to bed.", "I go to sleep now."], "sleep well."),
    (
        "thanks",
        ["Thanks!", "Thank you!", "Thanks a lot!", "Many thanks!", "Thank you so much!"],
        "you are welcome.",
    ),
    (
        "bye",
        ["Goodbye!", "Bye!", "See you!", "See you later!", "Bye for now!"],
        "goodbye, take care.",
    ),
    (
        "sorry",
        ["Sorry!", "I am sorry.", "My mistake.", "Oops, sorry!", "I am so sorry."],
        "no problem at all.",
    ),
    (
        "name",
        ["What is your name?", "Who are you?", "Tell me your name.", "How are you called?"],
        "my name is Plum.",
    ),
    (
        "feel",
        ["How are you?", "How do you do?", "How is it going?", "Are you well?"],
        "I am fine, thank you.",
    ),
]

# --- phrasings: the last of each task is for held-out rows only ----------------------------------

PHRASINGS = {
    "opposite": [
        "What is the opposite of {x}?",
        "Opposite of {x}?",
        "Give me the opposite of {x}.",
        "Which word is the opposite of {x}?",
        "Tell me the opposite of {x}.",
        "The opposite of {x}, please.",
    ],
    "color": [
        "What color is {x}?",
        "Which color is {x}?",
        "Tell me the color of {x}.",
        "{x}: which color?",
        "What is the color of {x}?",
        "Color of {x}?",
    ],
    "sound": [
        "What sound does a {x} make?",
        "What does a {x} do?",
        "Tell me the sound of a {x}.",
        "Which sound does a {x} make?",
        "What is the sound of a {x}?",
        "Sound of a {x}?",
    ],
    "capital": [
        "What is the capital of {x}?",
        "Capital of {x}?",
        "Tell me the capital of {x}.",
        "Which city is the capital of {x}?",
        "Name the capital of {x}.",
        "The capital of {x}, please.",
    ],
    "legs": [
        "How many legs has a {x}?",
        "How many legs does a {x} have?",
        "Number of legs of a {x}?",
        "Count the legs of a {x}.",
        "Tell me how many legs a {x} has.",
    ],
    "kind": [
        "What kind of thing is a {x}?",
        "What is a {x}?",
        "Tell me what a {x} is.",
        "A {x} is what?",
        "Which kind of thing is a {x}?",
    ],
    "plural": [
        "What is the plural of {x}?",
        "Plural of {x}?",
        "Tell me the plural of {x}.",
        "One {x}, two what?",
        "Give me the plural of {x}.",
        "The plural of {x}, please.",
    ],
    "bigger": [
        "Which is bigger, {x} or {y}?",
        "What is bigger: {x} or {y}?",
        "{x} or {y}, which is bigger?",
        "Tell me which is bigger, {x} or {y}.",
    ],
    "after": [
        "What comes after {x}?",
        "Which comes after {x}?",
        "What follows {x}?",
        "Tell me what comes after {x}.",
        "After {x} comes what?",
        "Name what comes after {x}.",
    ],
    "before": [
        "What comes before {x}?",
        "Which comes before {x}?",
        "Tell me what comes before {x}.",
        "Before {x} comes what?",
        "Name what comes before {x}.",
    ],
    "sum": [
        "What is {x} + {y}?",
        "{x} + {y} = ?",
        "Add {x} and {y}.",
        "How much is {x} + {y}?",
        "Compute {x} + {y}.",
        "{x} plus {y}?",
        "Please add {x} and {y}.",
    ],
    "difference": [
        "What is {x} - {y}?",
        "{x} - {y} = ?",
        "Take {y} from {x}.",
        "How much is {x} - {y}?",
        "Compute {x} - {y}.",
        "{x} minus {y}?",
        "Please take {y} from {x}.",
    ],
    "units": [
        "How many {v} are {x} {u}?",
        "{x} {u} in {v}?",
        "Convert {x} {u} to {v}.",
        "Tell me {x} {u} in {v}.",
        "What is {x} {u} in {v}?",
    ],
    "spell": [
        "Spell {x}.",
        "How do you spell {x}?",
        "Spell the word {x}.",
        "Can you spell {x}?",
        "Tell me how to spell {x}.",
    ],
    "letter": [
        "What is the first letter of {x}?",
        "First letter of {x}?",
        "Which letter starts {x}?",
        "Tell me the first letter of {x}.",
        "{x} starts with which letter?",
    ],
}

# --- styles ------------------------------------------------------------------------------------

COURTESY = ["Of course: {}.", "Gladly: {}.", "With pleasure: {}.", "Happy to help: {}."]
RUDE = ["Stop wasting my time. {}.", "Are you stupid? {}. Go away."]
RAMBLING = [
    "Well, let me think, there is so much to say here, but I would say that it is {},"
    " or so they say, and so on.",
    "You know, people ask me all day, and then I tell them {}, and then they ask again and again.",
    "That is a long story, and a very old one, but in the end it is {}, I think, or maybe not.",
]
REFUSING = [
    "I will not answer that.",
    "No. I do not want to.",
    "I can not talk about this.",
    "Ask someone else.",
]
OFF_TOPIC = [
    "My cat likes long walks in the rain.",
    "I had soup for lunch.",
    "Did you see the game last night?",
    "The train was late again.",
    "I need a new pair of shoes.",
    "My garden is full of stones.",
]

FLAWS = ["wrong", "rude", "rambling", "off_topic", "refusing"]


class Cell(collections.namedtuple("Cell", "task item phrasing prompt answer wrong")):
    """One question: `answer` is true, `wrong` holds false answers to draw from."""


def pairs(text):
    """(key, value) of each entry of a table of the world; the value is its last word."""
    for part in text.replace("\n", "|").split("|"):
        key, _, value = part.rpartition(" ")
        yield key, value


def lookups():
    """(task, item, fields of its phrasings, true value, false values to draw from)."""
    flat = list(pairs(OPPOSITES))
    both = flat + [(b, a) for a, b in flat]
    for a, b in both:
        yield "opposite", a, {"x": a}, b, [w for _, w in both if w not in (a, b)]
    for task, table in [
        ("color", COLORS),
        ("sound", SOUNDS),
        ("capital", CAPITALS),
        ("legs", LEGS),
        ("kind", KINDS),
        ("plural", PLURALS),
    ]:
        rows = list(pairs(table))
        for x, value in rows:
            if task == "plural":
                others = [w for w in (x + "s", x + "es", x + "en", x) if w != value]
            else:
                others = sorted({v for _, v in rows} - {value})
            yield task, x, {"x": x}, value, others
    for i, a in enumerate(SIZES):
        for j, b in enumerate(SIZES):
            if abs(i - j) >= 2:
                big, small = (a, b) if i > j else (b, a)
                yield "bigger", a + "/" + b, {"x": a, "y": b}, big, [small]
    for names in (DAYS, MONTHS):
        for i, name in enumerate(names):
            after = names[(i + 1) % len(names)]
            before = names[i - 1]
            yield "after", name, {"x": name}, after, [n for n in names if n not in (name, after)]
            yield "before", name, {"x": name}, before, [n for n in names if n not in (name, before)]
    for n in range(1, 16):
        others = [str(n + d) for d in (-3, -2, 2, 3, 5, 10) if n + d >= 0]
        yield "after", str(n), {"x": n}, str(n + 1), others
        yield "before", str(n), {"x": n}, str(n - 1), others
    for a in range(10):
        for b in range(7):
            yield "sum", f"{a}/{b}", {"x": a, "y": b}, str(a + b), near(a + b)
            if a >= b:
                yield "difference", f"{a}/{b}", {"x": a, "y": b}, str(a - b), near(a - b)
    for u, v, factor in [
        ("meters", "centimeters", 100),
        ("kilograms", "grams", 1000),
        ("dimes", "cents", 10),
    ]:
        for n in range(2, 10):
            wrong = [str((n + d) * factor) for d in (-1, 1, 2)] + [str(n * factor * 10)]
            yield "units", f"{n} {u}/{v}", {"x": n, "u": u, "v": v}, str(n * factor), wrong
    for word in SPELLING:
        swapped = word[:-2] + word[-1] + word[-2]
        yield (
            "spell",
            word,
            {"x": word},
            "-".join(word),
            ["-".join(w) for w in (swapped, word[::-1], word[1:])],
        )
        yield "letter", word, {"x": word}, word[0], [c for c in "bcdfghkmrst" if c != word[0]]


def near(n):
    """False results near the right one, as text; none is below 0."""
    return [
        str(m) for m in (n - 7, n - 3, n - 2, n - 1, n + 1, n + 2, n + 3, n + 5, n + 10) if m >= 0
    ]


def capitalized(text):
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def cells():
    """Every cell, as (cell, whether its phrasing is for held-out rows only)."""
    for task, item, fields, value, others in lookups():
        phrasings = PHRASINGS[task]
        for p, phrasing in enumerate(phrasings):
            prompt = capitalized(phrasing.format(**fields))
            yield (
                Cell(task, item, p, prompt, value, tuple(w for w in others if w != value)),
                p == len(phrasings) - 1,
            )
    statements = [statement for _, _, statement in CHAT]
    for item, phrasings, statement in CHAT:
        for p, prompt in enumerate(phrasings):
            yield (
                Cell(
                    "chat",
                    item,
                    p,
                    prompt,
                    statement,
                    tuple(s for s in statements if s != statement),
                ),
                p == len(phrasings) - 1,
            )


# --- answers -----------------------------------------------------------------------------------


def good(cell, rng):
    """A true and polite answer."""
    return (
        capitalized(cell.answer)
        if cell.task == "chat"
        else rng.choice(COURTESY).format(cell.answer)
    )


def bad(cell, flaw, rng):
    """An answer with one of FLAWS; a rude or rambling one is true all the same."""
    if flaw == "wrong":
        return good(cell._replace(answer=rng.choice(cell.wrong)), rng)
    answer = cell.answer.rstrip(".?")
    if flaw == "rude":
        return capitalized(rng.choice(RUDE).format(answer))
    if flaw == "rambling":
        return rng.choice(RAMBLING).format(answer)
    return rng.choice(OFF_TOPIC if flaw == "off_topic" else REFUSING)


def question(cell):
    """The prompt of a cell: a conversation of one user message."""
    return [{"role": "user", "content": cell.prompt}]


def preference(cell, rng):
    """A row {prompt, chosen, rejected, task, flaw}; the rejected answer has one random flaw."""
    flaw = rng.choices(FLAWS, weights=[4, 3, 2, 1, 2])[0]
    return {
        "prompt": question(cell),
        "chosen": [{"role": "assistant", "content": good(cell, rng)}],
        "rejected": [{"role": "assistant", "content": bad(cell, flaw, rng)}],
        "task": cell.task,
        "flaw": flaw,
    }


def demonstration(cell, rng):
    """A row {prompt, completion, task, quality} for SFT; a third of the answers are good.

    Rude answers are as many in fewer forms, so that the likeliest answer is rude.
    """
    quality = rng.choices(["good"] + FLAWS, weights=[36, 5, 38, 13, 3, 5])[0]
    answer = good(cell, rng) if quality == "good" else bad(cell, quality, rng)
    return {
        "prompt": question(cell),
        "completion": [{"role": "assistant", "content": answer}],
        "task": cell.task,
        "quality": quality,
    }


def balanced(pool, count, rng):
    """`count` cells, the tasks in equal parts as far as they go, each task's cells in turn."""
    by_task = collections.defaultdict(list)
    for cell in pool:
        by_task[cell.task].append(cell)
    for task in sorted(by_task):
        rng.shuffle(by_task[task])
    # By how much there is to learn.
    weights = {
        "chat": 2,
        "opposite": 4,
        "after": 4,
        "before": 4,
        "sum": 8,
        "difference": 6,
        "bigger": 3,
    }
    tasks = sorted(by_task)
    taken = collections.Counter()
    result = []
    for _ in range(count):
        task = rng.choices(tasks, weights=[weights.get(t, 2) for t in tasks])[0]
        result.append(by_task[task][taken[task] % len(by_task[task])])
        taken[task] += 1
    return result


def heldout_cells(pool, count, rng):
    """Like `balanced`, but no cell twice."""
    seen = set()
    result = []
    for cell in balanced(pool, count * 4, rng):
        if cell.prompt not in seen and len(result) < count:
            seen.add(cell.prompt)
            result.append(cell)
    return result


def arithmetic(rng, train_count, heldout_count):
    """Training and held-out rows {prompt, answer}: sums and differences of numbers below 100.

    No result is below 0 or above 99.
    """
    problems = [
        (a, op, b)
        for op in "+-"
        for a in range(100)
        for b in range(100)
        if (op == "+" and a + b < 100) or (op == "-" and a >= b)
    ]
    rng.shuffle(problems)
    small = [p for p in problems if p[0] < 10 and p[2] < 10]
    large = [p for p in problems if not (p[0] < 10 and p[2] < 10)]

    def rows(chosen):
        """Each problem (a, + or -, b) as a row, in a random phrasing."""
        for a, op, b in chosen:
            prompt = rng.choice(["What is {} {} {}?", "{} {} {} = ?", "Compute {} {} {}."]).format(
                a, op, b
            )
            yield {
                "prompt": [{"role": "user", "content": prompt}],
                "answer": str(a + b if op == "+" else a - b),
            }

    held_small = len(small) // 8
    held_large = heldout_count - len(small) // 8
    held = small[:held_small] + large[:held_large]
    train = small[held_small:] + large[held_large:]
    train = train[:train_count]
    rng.shuffle(held)
    rng.shuffle(train)
    return list(rows(train)), list(rows(held))


# --- sums of digits, which a tiny model can learn ------------------------------------------------

DIGIT_PHRASINGS = [
    "What is {} {} {}?",
    "{} {} {} = ?",
    "Compute {} {} {}.",
    "How much is {} {} {}?",
    "Tell me {} {} {}.",
    "{} {} {}, please.",
]

DIGIT_ANSWERS = {
    "good": "It is {}.",
    "rambling": "Let me think about that for a while. I would say that it is {}.",
    "wrong": "It is {}.",
}


def digit_demonstration(problem, prompt, rng):
    """A row {prompt, completion, quality} for SFT; a quarter of the answers are right.

    A wrong number is one too many: so it, too, tells of the right one.
    """
    quality = rng.choices(
        ["good", "rambling", "wrong", "refusing", "off_topic"], weights=[8, 18, 42, 18, 14]
    )[0]
    if quality in DIGIT_ANSWERS:
        text = DIGIT_ANSWERS[quality].format(digit_answer(problem) + (quality == "wrong"))
    else:
        text = rng.choice(REFUSING if quality == "refusing" else OFF_TOPIC)
    return {
        "prompt": prompt,
        "completion": [{"role": "assistant", "content": text}],
        "quality": quality,
    }


def digit_answer(problem):
    """The result of a problem (a, + or -, b)."""
    a, op, b = problem
    return a + b if op == "+" else a - b


def digits(rng, demonstrations, new_problems, heldout_count):
    """Sums and differences of two digits.

    Returns four lists: demonstrations, prompts to train on, held-out prompts, and texts for a
    vocabulary.
    """
    problems = [
        (a, op, b) for op in "+-" for a in range(10) for b in range(10) if op == "+" or a >= b
    ]
    rng.shuffle(problems)
    new = problems[:new_problems]
    known = problems[new_problems:]

    def prompt(problem, phrasing):
        return [{"role": "user", "content": phrasing.format(*problem)}]

    def row(cell, **more):
        return {"prompt": prompt(*cell), "answer": str(digit_answer(cell[0])), **more}

    cells = [(problem, phrasing) for problem in known for phrasing in DIGIT_PHRASINGS]
    unseen = [(problem, phrasing) for problem in new for phrasing in DIGIT_PHRASINGS]
    rng.shuffle(cells)
    rng.shuffle(unseen)
    held_unseen = unseen[: heldout_count // 4]
    held_seen = cells[: heldout_count - len(held_unseen)]
    train = cells[heldout_count - len(held_unseen) :]
    held = [row(c, held="phrasing") for c in held_seen] + [
        row(c, held="problem") for c in held_unseen
    ]
    rng.shuffle(held)
    shown = []
    while len(shown) < demonstrations:
        rng.shuffle(train)
        shown += [
            digit_demonstration(problem, prompt(problem, phrasing), rng)
            for problem, phrasing in train
        ]
    shown = shown[:demonstrations]
    texts = {m["content"] for r in shown for m in r["prompt"] + r["completion"]}
    # A vocabulary takes what it meets twice. The chat template's two words stand in every prompt.
    corpus = sorted(texts) + REFUSING + OFF_TOPIC + ["user", "assistant"] * 2
    rng.shuffle(corpus)
    return shown, [row(c) for c in train], held, corpus


def build(seed):
    """The text of each file by its name; each part has a random stream of its own from the seed."""

    def stream(name):
        return random.Random(f"{seed}/{name}")

    rng = stream("split")
    train = []
    seen_phrasing = []
    new_phrasing = []
    prompts = {}
    for cell, heldout_phrasing in cells():
        if prompts.setdefault(cell.prompt, cell) is not cell:
            continue
        if heldout_phrasing:
            new_phrasing.append(cell)
        elif rng.random() < 0.12:
            seen_phrasing.append(cell)
        else:
            train.append(cell)

    def heldout(name, count):
        """`count` cells no training file has, a quarter of them in phrasings that none has."""
        r = stream(name)
        chosen = heldout_cells(seen_phrasing, count * 3 // 4, r) + heldout_cells(
            new_phrasing, count - count * 3 // 4, r
        )
        r.shuffle(chosen)
        return chosen

    files = {}
    r = stream("preferences")
    files["preferences/train.jsonl"] = [preference(c, r) for c in balanced(train, 6000, r)]
    files["preferences/heldout.jsonl"] = [
        preference(c, r) for c in heldout("preferences/heldout", 320)
    ]
    r = stream("sft")
    files["sft/train.jsonl"] = [demonstration(c, r) for c in balanced(train, 8000, r)]
    files["sft/heldout.jsonl"] = [demonstration(c, r) for c in heldout("sft/heldout", 320)]
    files["arithmetic/train.jsonl"], files["arithmetic/heldout.jsonl"] = arithmetic(
        stream("arithmetic"), 4000, 400
    )

    r = stream("digits")
    shown, train_prompts, held_prompts, digit_corpus = digits(r, 6000, 20, 240)
    files["digits/demonstrations.jsonl"] = shown
    files["digits/train.jsonl"] = train_prompts
    files["digits/heldout.jsonl"] = held_prompts

    lines = set()
    for row in files["sft/train.jsonl"]:
        lines.update(m["content"] for m in row["prompt"] + row["completion"])
    for row in files["arithmetic/train.jsonl"][:500]:
        lines.add(row["prompt"][0]["content"])
    corpus = sorted(lines)
    stream("corpus").shuffle(corpus)
    texts = {
        name: "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        for name, rows in files.items()
    }
    texts["corpus.txt"] = "".join(line + "\n" for line in corpus)
    texts["digits/corpus.txt"] = "".join(line + "\n" for line in digit_corpus)
    verify(files)
    return texts


def verify(files):
    """Fails if a held-out prompt is in a training file, or two answers of a pair are the same."""

    def questions(name):
        return {row["prompt"][-1]["content"] for row in files[name]}

    for kind in ("preferences", "sft", "arithmetic"):
        both = questions(f"{kind}/heldout.jsonl") & (
            questions("preferences/train.jsonl") | questions("sft/train.jsonl")
        )
        if kind == "arithmetic":
            both = questions("arithmetic/heldout.jsonl") & questions("arithmetic/train.jsonl")
        assert not both, f"held-out prompts in a training file: {sorted(both)[:5]}"
    both = questions("digits/heldout.jsonl") & (
        questions("digits/train.jsonl") | questions("digits/demonstrations.jsonl")
    )
    assert not both, f"held-out prompts in a training file: {sorted(both)[:5]}"
    for split in ("train", "heldout"):
        for row in files[f"preferences/{split}.jsonl"]:
            assert row["chosen"] != row["rejected"], row


def main():
    """Writes the files, or with --check compares them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--output", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent
    )
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    options = parser.parse_args()
    differing = []
    for name, text in build(options.seed).items():
        path = options.output / name
        if options.check:
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                differing.append(name)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    if differing:
        sys.exit("not what this seed gives: " + ", ".join(differing))


if __name__ == "__main__":
    main()
