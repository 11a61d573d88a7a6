"""Settings as command-line options: names, types, defaults and help come from their fields."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from influence_core.config import ComputeSettings, validated

Command = Callable[..., None]


def with_settings(
    *models: type[BaseModel], skip: tuple[str, ...] = (), rename: Mapping[str, str] | None = None
) -> Callable[[Command], Command]:
    """Give a command an option for every field of `models`, collected in its last parameter.

    The command takes `given: dict[str, object]`: the options that were typed, by their parameter
    names. `skip` and `rename` take fields as `Model.field`; each model has its own help panel.
    """
    names = rename or {}

    def decorate(command: Command) -> Command:
        own = list(inspect.signature(command, eval_str=True).parameters.values())[:-1]
        options = {
            names.get(address, name): _parameter(names.get(address, name), field, model)
            for model in models
            for name, field in model.model_fields.items()
            if (address := f"{model.__name__}.{name}") not in skip
        }

        def wrapper(**values: Any) -> None:
            given = {name: values.pop(name) for name in options}
            command(**values, given={k: v for k, v in given.items() if v is not None})

        parameters = [*own, *options.values()]
        wrapper.__name__, wrapper.__doc__ = command.__name__, command.__doc__
        wrapper.__annotations__ = {each.name: each.annotation for each in parameters}
        wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return wrapper

    return decorate


def chosen(
    model: type[BaseModel], given: Mapping[str, object], rename: Mapping[str, str] | None = None
) -> dict[str, object]:
    """Pick the fields of `model` out of what was typed; comma-separated lists are taken apart."""
    names = rename or {}
    return {
        name: _split(field, given[option])
        for name, field in model.model_fields.items()
        if (option := names.get(f"{model.__name__}.{name}", name)) in given
    }


def divided(before: ComputeSettings, typed: Mapping[str, object]) -> ComputeSettings:
    """Divide work as it was divided before, but for what was typed."""
    return validated(ComputeSettings, before.model_dump() | chosen(ComputeSettings, typed))


def _parameter(name: str, field: FieldInfo, model: type[BaseModel]) -> inspect.Parameter:
    option = typer.Option(
        help=field.description,
        show_default=_default(field),
        metavar="A,B,..." if _is_list(field) else None,
        rich_help_panel=model.__name__.removesuffix("Settings"),
    )
    optional = _option_type(field) | None
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[optional, option],
    )


def _default(field: FieldInfo) -> str | bool:
    """Show a default that says something; what is empty or off is told by the description."""
    if field.default is None or field.default is False or field.default == ():
        return False
    if isinstance(field.default, tuple):
        return ",".join(map(str, field.default))
    return str(field.default)


def _option_type(field: FieldInfo) -> Any:
    """Return the type that the command line reads: lists as text, the rest as it is."""
    if _is_list(field):
        return str
    kinds = [kind for kind in get_args(field.annotation) if kind is not type(None)]
    optional = get_origin(field.annotation) is not Literal and kinds
    return kinds[0] if optional else field.annotation


def _is_list(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is tuple


def _split(field: FieldInfo, value: object) -> object:
    if not (_is_list(field) and isinstance(value, str)):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())
