"""study.yaml: which runs were asked for; command, machine and versions of every invocation."""

from typing import Any

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from study.config.errors import StudyError, explain
from study.storage.checksums import UNSEALED, Checksum, seal, verify
from study.storage.folder import Folder

STUDY = "study.yaml"


@with_config(ConfigDict(extra="allow", strict=True))
class _StudyFile(TypedDict, total=False):
    """What is read of study.yaml, of any version."""

    name: str
    runs: list[str]
    data: dict[str, Any]
    invocations: list[dict[str, Any]]
    checksum: Checksum


_STUDY_FILE = TypeAdapter(_StudyFile)
_REMEDY = "delete it, and the study's command writes it again"


def read_study(study: Folder) -> dict[str, Any]:
    """What study.yaml says; an empty mapping where there is none.

    Raises:
        StudyError: it is damaged; names the file.
    """
    file = f"{study}/{STUDY}"
    try:
        text = study.read(STUDY)
        verify(text, file)
        content = yaml.safe_load(text)
        if "sittings" in content:  # as versions before 0.2 wrote it
            content["invocations"] = content.pop("sittings")
        checked = dict(_STUDY_FILE.validate_python(content))
    except FileNotFoundError:
        return {}
    except StudyError as error:
        raise StudyError(f"{error}; {_REMEDY}") from None
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError) as error:
        why = explain(error, []) if isinstance(error, ValidationError) else str(error)
        raise StudyError(f"{file} is damaged: {' '.join(why.split())}; {_REMEDY}") from None
    checked.pop("checksum", None)
    return checked


def write_study(study: Folder, content: dict[str, Any]) -> None:
    """Replace study.yaml."""
    whole = {"checksum": UNSEALED, **content}  # first: what is cut off after it is missed
    # libyaml's writer takes a tenth of the time: a second less for 10,000 runs, at each writing
    writer = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text = yaml.dump(whole, Dumper=writer, sort_keys=False, allow_unicode=True)
    study.write(STUDY, seal(text.encode()))
