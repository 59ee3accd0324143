"""The parser of every command line: what it does not know is answered with the nearest thing that it knows."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from seq2seq.system.choices import did_you_mean
from seq2seq.system.terminal import exit_status


class Parser(argparse.ArgumentParser):
    """An :class:`argparse.ArgumentParser` that names what may be meant, and takes words behind options too.

    Example:
        >>> import io
        >>> from contextlib import redirect_stderr, suppress
        >>> parser = Parser(prog="tool")
        >>> _ = parser.add_argument("--speed", choices=["slow", "fast"])
        >>> with redirect_stderr(io.StringIO()) as said, suppress(SystemExit):
        ...     parser.parse_args(["--speed", "fats"])
        >>> said.getvalue().splitlines()[-1]
        "tool: error: argument --speed: invalid choice: 'fats' (choose from 'slow', 'fast'). Did you mean 'fast'?"
    """

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Parse arguments, and refuse those that there are not: a parser inside another one leaves none to that."""
        found, rest = super().parse_known_args(args, namespace)
        lists = [action for action in self._get_positional_actions() if action.nargs in ("*", "+")]
        end = rest.index("--") if "--" in rest else len(rest)  # what stands behind is no option
        if lists and not any(word.startswith("-") for word in rest[:end]):
            # argparse has given the list what stood before the options.
            behind = [self._get_value(lists[0], word) for word in (*rest[:end], *rest[end + 1 :])]
            setattr(found, lists[0].dest, [*getattr(found, lists[0].dest), *behind])
            rest = []
        if rest:
            unknown = next((word for word in rest if word.startswith("-")), rest[0])
            near = did_you_mean(unknown.partition("=")[0], self._option_string_actions)
            self.error(f"unrecognized arguments: {' '.join(rest)}{near and f'.{near}'}")
        return found, rest

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """End the process; where stdout did not take the help that was asked for, it failed."""
        super().exit(status or exit_status(lambda: None, name=self.prog), message)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            near = did_you_mean(str(value), [str(choice) for choice in action.choices or ()])
            error.message += near and f".{near}"
            raise
