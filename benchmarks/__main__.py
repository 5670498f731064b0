"""Command line: `python -m benchmarks [--only NAME]… [--json FILE]`."""

import argparse
import json
import sys
from pathlib import Path

from benchmarks import floor, report
from benchmarks.cases import CASES, Bench
from benchmarks.emulator_process import running

FUNCTIONS = ("echo", "timed", "sleep", "fail", "s3_probe", "edit", "edit_node", "stream")


def main() -> int:
    """Measure and print; 1 when an aim is missed or a case breaks."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=CASES, help="one case; may be repeated")
    parser.add_argument("--json", type=Path, help="write the figures into this file too")
    parser.add_argument("--keep", action="store_true", help="start the emulator with --data-dir")
    options = parser.parse_args()
    figures: list[report.Figure] = []
    broken = []
    print(report.header(), flush=True)
    with floor.serving() as floor_port, running(FUNCTIONS, keeps=options.keep) as emulator:
        bench = Bench(emulator=emulator, floor_port=floor_port)
        for name in options.only or CASES:
            try:
                for figure in CASES[name](bench):
                    figures.append(figure)
                    print(report.row(figure), flush=True)
            except (RuntimeError, OSError) as error:
                broken.append(name)
                print(f"case {name} broke: {error}", file=sys.stderr, flush=True)
    if options.json:
        text = json.dumps(report.as_json(figures), indent=2, ensure_ascii=False)
        options.json.write_text(text + "\n")
    return int(bool(broken) or any(figure.passes is False for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
