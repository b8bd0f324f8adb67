# Managed by copier-mlops: an update merges with your edits.
"""The prediction log: where it is and how long it is kept. The server writes it, `monitoring` reads it."""

from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import NonNegativeInt, PositiveInt

from .errors import UserError
from .settings import Settings

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

FEATURE = "feature."  # before the name of a feature


class PredictionLog(Settings, env_prefix="PREDICTION_LOG_"):
    """The schema of `config/prediction_log.yaml`."""

    place: str
    leave_out: list[str]
    keep_days: PositiveInt
    merge_seconds: NonNegativeInt

    def filesystem(self) -> "FileSystem":
        """Return the file system whose root is the place of the log.

        Raises:
            UserError: no file system has such a URL.
        """
        from pyarrow import ArrowInvalid
        from pyarrow.fs import FileSystem, LocalFileSystem, SubTreeFileSystem

        try:
            system, root = FileSystem.from_uri(self.place) if self.remote else (LocalFileSystem(), str(self.folder))
        except (ArrowInvalid, OSError) as error:
            raise UserError(
                f"{self.path()}: place: {self.place} cannot be opened: {' '.join(str(error).split())}"
            ) from error
        return SubTreeFileSystem(root, system)

    def days(self) -> set[str]:
        """Return the folders of the days for which there are files."""
        from pyarrow.fs import FileSelector

        only_files = self.place.startswith("gs://")  # Google Cloud Storage has no folders, and pyarrow lists none there
        selector = FileSelector("", allow_not_found=True, recursive=only_files)
        return {each.path.partition("/")[0] for each in self.filesystem().get_file_info(selector)}

    @property
    def remote(self) -> bool:
        """Whether the place is a URL."""
        return "://" in self.place

    @property
    def folder(self) -> Path:
        """The place as a local folder."""
        return Path(self.place).absolute()


def folder_of(day: date) -> str:
    """Return the folder of a day, in UTC."""
    return f"date={day.isoformat()}"


def delete_expired(settings: PredictionLog, today: date) -> list[str]:
    """Delete the days that are older than `keep_days`, and return their folders."""
    system = settings.filesystem()
    first = folder_of(today - timedelta(days=settings.keep_days))
    expired = sorted(each for each in settings.days() if each.startswith("date=") and each < first)
    for path in expired:
        with suppress(FileNotFoundError):  # in Google Cloud Storage, a folder is gone with its last file
            system.delete_dir(path)
    return expired
