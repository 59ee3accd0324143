"""Settings as large as the framework needs them to show all that it can."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal

from seq2seq.settings import Count, Positive, SettingsError, Share, StartsFrom, check_settings


@dataclass(frozen=True)
class Settings:
    def __post_init__(self) -> None:
        check_settings(self)


@dataclass(frozen=True)
class Lens(Settings):
    section: ClassVar[str] = "camera.lens"
    length: Positive = 50.0
    blades: tuple[Count, ...] = (7,)


@dataclass(frozen=True)
class Camera(Settings):
    section: ClassVar[str] = "camera"
    renamed: ClassVar[Mapping[str, str]] = {"lens": "lens.length", "blades": "lens.blades", "colour": "film"}
    maker: Literal["", "box", "view"] = ""
    size: Positive = 1.0
    film: Literal["none", "black_and_white", "colour"] = "none"
    lens: Lens = Lens()


@dataclass(frozen=True)
class ByHand(Settings):
    seconds: Positive = 1.0


@dataclass(frozen=True)
class SelfTimer(Settings):
    seconds: Positive = 10.0
    beeps: Count = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.beeps > self.seconds:
            raise SettingsError(f"A beep takes a second. Received: beeps={self.beeps}, seconds={self.seconds}.")


@dataclass(frozen=True)
class Album(Settings):
    section: ClassVar[str] = "album"
    pages: Count
    margin: Share = 0.1


def made(start: Camera, values: Mapping[str, Any]) -> Camera:
    """A camera by the name of its maker, of any size."""
    maker, size = values.get("maker", start.maker), values.get("size", start.size)
    if not maker or (maker, size) == (start.maker, start.size):
        return start
    return replace(start, maker=maker, size=size, film="colour", lens=Lens(length=100 * size, blades=(9, 9)))


@dataclass(frozen=True)
class Studio(Settings):
    name: str
    album: Album
    camera: Annotated[Camera, StartsFrom(made)] = field(default_factory=Camera)
    trigger: ByHand | SelfTimer = ByHand()
    seed: int = 0


STUDIO = Studio("s", Album(4))
TABLE = {"name": "s", "album": {"pages": 4}}
