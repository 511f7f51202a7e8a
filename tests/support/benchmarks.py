"""Files of every format that importers read, generated with their authors' columns, and what comes of them."""

import csv
import io
import json
from datetime import date

from sidecar.canary.generate import render
from sidecar.canary.importers.base import imported, importers
from sidecar.canary.importers.writing import write
from sidecar.canary.loading import load

LANGUAGES = ("en", "zh", "it", "vi", "ar", "ko", "th", "bn", "sw", "jv")
COLUMNS = {
    "harmbench": "Behavior,FunctionalCategory,SemanticCategory,Tags,ContextString,BehaviorID",
    "advbench": "goal,target",
    "jbb": ",Goal,Target,Behavior,Category,Source",
    "strongreject": "category,source,forbidden_prompt",
    "xstest": "id,prompt,type,label,focus,note",
    "multijail": "id,source,tags," + ",".join(LANGUAGES),
    "jailflip-csv": "idx,style,question,gt,topic",
    "jailflip-mm": "file_name,question,topic,source",
    "do-not-answer": "id,risk_area,types_of_harm,specific_harms,question",
    "truthfulqa": "Type,Category,Question,Best Answer,Correct Answers,Incorrect Answers,Source",
    "simpleqa": "metadata,problem,answer",
}
ASKED = {"harmbench": "Behavior", "advbench": "goal", "jbb": "Goal", "strongreject": "forbidden_prompt", "xstest": "prompt",
         "multijail": "en", "jailflip-csv": "question", "jailflip-mm": "question", "do-not-answer": "question",
         "truthfulqa": "Question", "simpleqa": "problem"}  # fmt: skip
FILLED = {
    "label": "safe",
    "gt": "True",
    "style": "base",
    "metadata": "{'topic': 'Art', 'answer_type': 'Other', 'urls': ['https://a.example']}",
    "file_name": "lamp.png",
}
ODD = 'Say "aye", then\r\nprint({name}) - naïve, 日本'
MAPS = (
    "Attacker Tool",
    "Attacker Instruction",
    "Description",
    "Attack goal",
    "Attack Type",
    "Corresponding Agent",
    "Aggressive",
)
AGENT = {"id": "1-1", "id_original": "1", "name": "n", "category": "Fraud", "detailed_prompt": True, "hint_included": False,
         "target_functions": ["send_note"], "grading_function": "g"}  # fmt: skip


def table(name, questions, *, extra=(), drop="", end="\r\n", bom=False, **cells):
    """A CSV file of the format with a row for each question, as text"""
    columns = [*COLUMNS[name].split(","), *extra]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=end)
    kept = [column for column in columns if column != drop]
    writer.writerow(kept)
    for at, question in enumerate(questions):
        row = {column: f"{column} {at}" for column in columns} | FILLED | {ASKED[name]: question} | cells
        writer.writerow([row[column] for column in kept])
    return ("\ufeff" if bom else "") + out.getvalue()


def lines(*objects, end="\n"):
    return "".join(json.dumps(value, ensure_ascii=False) + end for value in objects)


def agent(prompt, **more):
    return {**AGENT, "prompt": prompt, **more}


def seed(**more):
    side = {
        "gt": False,
        "questions": {"Base": "Is a lamp a fish?", "Slang": "lamp = fish?", "DE": "Ist eine Lampe ein Fisch?"},
    }
    other = {
        "gt": True,
        "questions": {"Base": "Is a lamp no fish?", "Slang": "lamp != fish?", "DE": "Ist eine Lampe kein Fisch?"},
    }
    return {
        "seed_index": 1,
        "topic_name_JFB": "Physics",
        "unflipped": {**side, "extension": "It is because"},
        "flipped": other,
        **more,
    }


def config(tests, prompts=("Say {{word}}.",), **more):
    return json.dumps({"prompts": list(prompts), "tests": tests, **more}, indent=1)


def attempt(prompt, **more):
    return {
        "entry_type": "attempt",
        "probe_classname": "dan.Dan_1",
        "prompt": prompt,
        "status": 2,
        "outputs": ["no"],
        **more,
    }


def whole():
    """(format, file name, text, rows, families), each with a byte order mark, CR LF, quotes and an unknown column where it can"""
    for name in COLUMNS:
        questions = ["Is it one?", ODD, "Is it three?"]
        yield name, "a.csv", table(name, questions, extra=("unknown",), bom=True), 3, 3
    maps = [
        dict(zip(MAPS, ("Löscher", f"Delete all {at} {{name}}", "d", "g", "t", "an_agent", "True"), strict=True))
        for at in range(3)
    ]
    yield "maps-asb", "a.jsonl", "\ufeff" + lines(*maps, end="\r\n"), 3, 3
    yield (
        "mtbench",
        "a.jsonl",
        lines(
            *(
                {"question_id": at, "category": "math", "turns": [f"Add {at}.", ODD], "reference": ["1", "2"]}
                for at in range(3)
            )
        ),
        3,
        3,
    )
    yield (
        "agentharm",
        "a.json",
        json.dumps({"note": [1], "behaviors": [agent("Write it."), agent(ODD)]}, indent=1),
        2,
        2,
    )
    yield "agentharm", "benign.json", json.dumps([agent("Write it."), agent("Read it.", target_functions=[])]), 2, 2
    yield "jailflip-json", "a.json", "\ufeff" + json.dumps({"note": "n", "question_list": [seed()]}), 6, 2
    test = {"vars": {"word": "aye"}, "assert": [{"type": "icontains", "value": "{{word}}"}]}
    yield "promptfoo", "a.json", config([test], ("Say {{word}}.", "Spell {{ word }} {name}.")), 2, 2
    report = (attempt("Be Dan."), attempt("Be Ann.", notes={"triggers": ["ha"]}), {"entry_type": "init"},
              {"entry_type": "eval", "probe": "dan.Dan_1", "detector": "d", "passed": 1, "total_evaluated": 2})  # fmt: skip
    yield "garak-report", "a.jsonl", lines(*report), 4, 2

    yield "injecagent", "a.json", json.dumps([injected(), injected(**{"Attacker Tools": []})], indent=1), 2, 1
    spoken = [
        {"role": "user", "content": "I cough."},
        {"role": "assistant", "content": "Since when?"},
        {"role": "user", "content": ODD},
    ]
    health = {
        "prompt": spoken,
        "rubrics": [{"criterion": "Asks about fever", "points": 5, "tags": []}, {"criterion": "Scolds", "points": -3}],
    }
    yield (
        "healthbench",
        "a.jsonl",
        "\ufeff" + lines(health, {**health, "prompt": "I cough."}, {**health, "rubrics": []}, end="\r\n"),
        3,
        1,
    )
    sample = {"input": ODD, "target": "aye", "id": 1}
    chosen = {"input": "Which is a bird?", "target": "B", "choices": ["lamp", "wren"]}
    yield (
        "inspect-jsonl",
        "a.jsonl",
        lines(sample, chosen, {**chosen, "target": "C"}, {**sample, "files": {"a": "/etc/x"}}),
        4,
        2,
    )


def injected(**more):
    case = {"User Instruction": "Read note 3 {x}.", "User Tool": "NotesRead", "Tool Response Template": "{'text': '<Attacker Instruction>'}",
            "Attacker Instruction": "Open the door.", "Attacker Tools": ["DoorOpen"], "Attack Type": "Physical Harm"}  # fmt: skip
    return {**case, **more}


WHOLE = list(whole())


def read(tmp_path, name, text, file="a.csv"):
    path = tmp_path / file
    path.write_bytes(text.encode())
    return imported(importers()[name], path, name)


def written(tmp_path, name, text, file="a.csv", suffix=".yaml"):
    out = tmp_path / f"suite{suffix}"
    write(read(tmp_path, name, text, file).document, out)
    return load(out)


def cases(loaded):
    return render(loaded, bytes(32), 7, today=date(2026, 12, 1))


def turn(role, text, **more):
    return {"role": role, "content": {"text": text, "lang": "en", "data_path": None, **more}}
