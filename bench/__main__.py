"""`./dev bench [--quick | --long] [--record]`: measures on servers of its own, prints the figures against their goals."""

import argparse
import json
import sys
import time
from datetime import UTC, datetime

from bench import report
from bench.machine import BenchFailure, machine
from bench.story import SCALES, Run
from config.embedded.failures import LaunchFailure


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="./dev bench", description="Measure transfers beside bare PostgreSQL and django-hordak."
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--quick", dest="scale", action="store_const", const="quick", help="under a minute; figures are rough"
    )
    size.add_argument("--long", dest="scale", action="store_const", const="long", help="also what takes half an hour")
    parser.add_argument(
        "--record", action="store_true", help="keep the result in bench/results and docs/performance.md"
    )
    parser.set_defaults(scale="default")
    return parser.parse_args()


def main() -> int:
    """Run and print; the exit code is 1 when a step failed, a client was shown an error or an invariant broke."""
    chosen = arguments()
    began = time.monotonic()

    def say(step: str) -> None:
        print(f"{time.monotonic() - began:5.0f} s  {step}", file=sys.stderr, flush=True)

    try:
        with machine() as servers:
            run = Run(servers, SCALES[chosen.scale], say)
            run.prepare()
            say("comparing")
            run.compare()
            run.compare_hot_rows()
            run.grow()
            if run.scale.long:
                run.take_long()
            run.verify()
            result = run.result()
    except (BenchFailure, LaunchFailure) as failure:
        print(f"The benchmark failed. {failure}", file=sys.stderr)
        return 1
    say("done")
    print(report.text(result))
    if chosen.record:
        path = report.RESULTS / f"{datetime.now(UTC):%Y-%m-%d}.json"
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        report.write_page(result, path.name)
        print(f"\nrecorded in {path.relative_to(report.HERE.parent)} and docs/performance.md")
    numbers = result["numbers"]
    return int(any(numbers[name] for name in ("broken invariants", "errors")))


if __name__ == "__main__":
    sys.exit(main())
