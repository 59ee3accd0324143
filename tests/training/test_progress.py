import errno
import io

import pytest

from seq2seq.training.progress import Progress
from seq2seq.training.state import RunState, Validated
from seq2seq.training.step_times import StepTimes


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run(batches, stream, style="auto", interval=1e9, steps=None):
    """One epoch, as `fit` and the other callbacks would tell it."""
    state = RunState()
    shown = Progress(state, batches, 3, style=style, stream=stream, interval=interval)
    shown.on_epoch_begin(0)
    for step in range(batches.steps(0) if steps is None else steps):
        state.step += 1
        state.train_seconds += 0.5
        shown.on_train_batch_end(step, {"loss": 2.5})
    shown.validated(Validated(4, {"val_bleu": 12.345}, {}, [("das", "this", "that")], 0.1), best=True)
    shown.on_epoch_end(0, {"loss": 2.5, "val_bleu": 12.345, "tokens_per_second": 1234.5, "seconds": 60.4})
    shown.close()
    return stream.getvalue()


def test_an_epoch_is_one_line_where_there_is_no_terminal(batches):
    text = run(batches, io.StringIO())
    assert text.splitlines()[-1] == "epoch 1/3: loss 2.5, val bleu 12.35, 1,234 tokens/s, 60 s (best)"
    assert "das" in text
    assert "\r" not in text
    assert len([line for line in text.splitlines() if line.startswith("epoch")]) == 1


def test_plain_lines_come_at_an_interval(batches):
    steps = [line for line in run(batches, io.StringIO(), interval=0).splitlines() if "step" in line]
    assert len(steps) == batches.steps(0)
    rate = batches.tokens / batches.steps(0) / 0.5
    # Half a second a step: two steps are left of this epoch, and two epochs of four; nothing was validated yet.
    assert steps[1] == f"epoch 1/3 step 2/4, loss 2.500, {rate:,.0f} tokens/s, 0:01 left in epoch, 0:05 in all"


def test_a_terminal_gets_a_bar(batches):
    text = run(batches, Terminal())
    assert "\r" in text
    assert "epoch 1/3" in text
    assert "epoch 1/3: loss 2.5" in text


def test_none_says_nothing(batches):
    assert run(batches, Terminal(), style="none") == ""


def test_a_count_is_written_whole(batches):
    stream = io.StringIO()
    shown = Progress(RunState(), batches, 3, stream=stream)
    shown.on_epoch_end(0, {"val_loss": 2.5, "val_cut": 12345})
    assert "epoch 1/3: val loss 2.5, val cut 12,345, " in stream.getvalue()


def test_a_validation_inside_an_epoch_tells_its_scores(batches):
    assert "validation at step 2: val bleu 12.35 (best)" in run(batches, io.StringIO(), steps=2)


def test_a_sample_of_thousands_of_words_is_shown_by_its_beginning(batches):
    stream = io.StringIO()
    shown = Progress(RunState(), batches, 3, stream=stream)
    shown.validated(Validated(4, {}, {}, [("drei " * 1000, "three", "three " * 100)], 0.1), best=False)
    said = " ".join(stream.getvalue().split())
    assert "drei … (5,000 characters)" in said and said.count("drei") == 120 and said.count("three") == 101


def test_refuses_another_style(batches):
    with pytest.raises(ValueError, match="Did you mean 'lines'"):
        Progress(RunState(), batches, 1, style="line")


@pytest.mark.parametrize("every", [0, 1, 2, 3, 4, 5, 7, 12, 100])
def test_the_time_left_counts_the_validations_that_will_come(batches, every):
    steps, epochs = batches.steps(0), 3
    total = steps * epochs
    # What `Validation` does: every so many steps and at the end of the run, or at the end of each epoch.
    due = {update for update in range(1, total + 1) if update == total or update % (every or steps) == 0}
    state, stream = RunState(), io.StringIO()
    shown = Progress(state, batches, epochs, validate_every=every, style="lines", stream=stream, interval=0)
    shown._validation_seconds = 10.0
    for epoch in range(epochs):
        shown.on_epoch_begin(epoch)
        for step in range(1, steps + 1):
            state.step, state.update = step, state.update + 1
            state.train_seconds += 1.0
            shown.on_train_batch_end(step, {"loss": 1.0})
            end = (epoch + 1) * steps
            # Those that come with a step come before the bar moves; those of the end of an epoch or of the run, after.
            inside = sum(state.update < update < end for update in due)
            now = state.update in due and not (every and state.update % every == 0)
            coming = sum(update > state.update for update in due) + now
            line = stream.getvalue().splitlines()[-1]
            assert line.endswith(
                f"{clock(steps - step + 10 * inside)} left in epoch, {clock(total - state.update + 10 * coming)} in all"
            )
        state.epoch, state.step = epoch + 1, 0


def clock(seconds):
    return f"{seconds // 60}:{seconds % 60:02d}"


def test_an_epoch_says_what_was_traced_and_waited_for(batches):
    stream = io.StringIO()
    state = RunState()
    shown = Progress(state, batches, 3, style="lines", stream=stream)
    shown.first_step(StepTimes(first_step=3.21, traces=1))
    shown.on_epoch_begin(0)
    timing = {"traces": 1, "trace_seconds": 1.23, "compilations": 12, "compile_seconds": 20.0, "data_wait": 0.0123}
    shown.on_epoch_end(0, {"loss": 2.5, "tokens_per_second": 1234.5, "seconds": 60.4, **timing})
    assert stream.getvalue().splitlines() == [
        "First step done 3.2 s after the model was built.",
        "epoch 1/3: loss 2.5, 1,234 tokens/s, 1.2 % waiting for data, 1 traced in 1.2 s, 12 compiled in 20.0 s, 60 s",
    ]


class Gone(Terminal):
    def write(self, text):
        raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize("style", ["bar", "lines"])
def test_a_terminal_that_is_gone_ends_no_training(style, batches):
    assert run(batches, Gone(), style, interval=0) == ""
