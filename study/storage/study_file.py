"""study.yaml: which runs were asked for; command, machine and versions of every invocation."""

from typing import Any

import yaml

from study.config.errors import StudyError
from study.storage.folder import Folder

STUDY = "study.yaml"


def read_study(study: Folder) -> dict[str, Any]:
    """What study.yaml says; an empty mapping where there is none.

    Raises:
        StudyError: it does not parse; names the file.
    """
    try:
        content = yaml.safe_load(study.read(STUDY))
    except FileNotFoundError:
        return {}
    except yaml.YAMLError as error:
        raise StudyError(f"{study}/{STUDY} is damaged: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        return {}
    if "sittings" in content:  # as versions before 0.2 wrote it
        content["invocations"] = content.pop("sittings")
    return content


def write_study(study: Folder, content: dict[str, Any]) -> None:
    """Replace study.yaml."""
    study.write(STUDY, yaml.safe_dump(content, sort_keys=False, allow_unicode=True).encode())
