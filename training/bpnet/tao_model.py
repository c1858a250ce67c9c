"""Spec sections that may carry TAO's `__class_name__` key."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import SerializerFunctionWrapHandler, model_serializer, model_validator

from training.common.spec import SpecModel


class TaoModel(SpecModel):
    """A section whose `__class_name__`, where given, must be one of `tao_classes`.

    The key chooses a Python class in TAO. Here a section has one class, so the key is only
    checked: a spec that asks for a class that does not exist here is refused, not misread. It is
    written again, so that an effective spec says which optimiser it means. `tao_others` are the
    classes of the sections that may stand in this one's place.
    """

    tao_classes: ClassVar[tuple[str, ...]] = ()
    tao_others: ClassVar[tuple[str, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _check_class_name(cls, value: object) -> object:
        if not isinstance(value, dict) or "__class_name__" not in value:
            return value
        name = value["__class_name__"]
        if name not in cls.tao_classes:
            allowed = " or ".join((*cls.tao_classes, *cls.tao_others)) or "none here"
            raise ValueError(f"__class_name__ {name} is not supported; allowed: {allowed}")
        return {key: item for key, item in value.items() if key != "__class_name__"}

    @model_serializer(mode="wrap")
    def _with_class_name(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        tree: dict[str, Any] = handler(self)
        return {"__class_name__": self.tao_classes[0], **tree} if self.tao_classes else tree
