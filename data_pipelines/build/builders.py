"""The builders of TensorFlow Datasets that write clips into shards; loaded only when something is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import tensorflow_datasets as tfds
from tensorflow_datasets.core import writer
from tensorflow_datasets.proto import tf_example_pb2

from data_pipelines.store import StoredClip, features, to_example

Clips = Callable[[], Iterable[StoredClip]]
"""The clips of a split, made anew at every call."""


def key_of(clip: StoredClip) -> str:
    """What tells a clip from every other; its hash sets where in the shards the clip comes to lie."""
    return "/".join(str(part) for part in (clip.source, clip.start, *clip.box))


def keyed(clips: Iterable[StoredClip]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each clip's key and example."""
    for clip in clips:
        yield key_of(clip), to_example(clip)


class SameBytes(writer.ExampleWriter):
    """Writes an example's features in the order of their names.

    As messages come, their order follows from addresses in memory: the same clips would be other bytes at every run.
    """

    def write(self, path: Any, examples: Iterable[tuple[Any, bytes]]) -> Any:
        """Writes serialised examples, each with its key, to the shard `path`."""
        ordered = (
            (key, tf_example_pb2.Example.FromString(record).SerializeToString(deterministic=True))
            for key, record in examples
        )
        return super().write(path, ordered)


class ClipBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Writes what it is given: `splits`, by split either `Clips` or a Beam transform that yields keyed examples."""

    VERSION = tfds.core.Version("1.0.0")
    DESCRIPTION = "Clips."

    def __init__(self, *, splits: dict[str, Any], **options: Any) -> None:
        self._splits = splits
        super().__init__(file_format="array_record", **options)

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(features=features(), description=self.DESCRIPTION)

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        del dl_manager
        return {name: keyed(clips()) if callable(clips) else clips for name, clips in self._splits.items()}

    def _example_writer(self) -> writer.ExampleWriter:
        return SameBytes(self.info.file_format)

    def _generate_examples(self) -> Any:
        raise NotImplementedError("the splits are given to the builder")


class MrsrVideo(ClipBuilder):
    """`mrsr_video`: clips of video files."""

    DESCRIPTION = "Clips of video files between hard cuts, reduced to where they hold detail down to the pixel."


class MrsrFaces(ClipBuilder):
    """`mrsr_faces`: clips of faces."""

    DESCRIPTION = "Faces out of clips, each in one box that stands still over its clip."


BUILDERS = {"mrsr_video": MrsrVideo, "mrsr_faces": MrsrFaces}
