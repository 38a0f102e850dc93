"""Mistakes with informers that a type checker must find."""

from __future__ import annotations

from typing import Self

from kinform.factory import InformerFactory
from kinform.informer import Event, Predicate, SharedInformer, generation_changed, satisfies
from kinform.meta import ObjectKey, Resource
from kinform.store import index
from kinform.transport import connect


class Gadget:
    size: int = 0

    @classmethod
    def from_wire(cls, data: bytes) -> Self:
        raise NotImplementedError

    def to_wire(self) -> bytes:
        raise NotImplementedError


class Widget(Gadget):
    colour: str = ""


class Stone:
    weight: int = 0

    @classmethod
    def from_wire(cls, data: bytes) -> Self:
        raise NotImplementedError

    def to_wire(self) -> bytes:
        raise NotImplementedError


def on_stone(stone: Stone) -> None:
    print(stone.weight)


def on_widget_event(event: Event[Widget]) -> None:
    print(event.object.colour)


def is_heavy(stone: Stone) -> bool:
    return stone.weight > 3


def handlers(informer: SharedInformer[Gadget], of_stones: Predicate[Stone], other: SharedInformer[Stone]) -> None:
    informer.add_event_handler(on_add=on_stone)  # must-fail
    informer.add_event_handler(on_update=on_stone)  # must-fail
    informer.add_event_handler(on_update=lambda old, new: new.weight)  # must-fail
    informer.add_event_handler(print)  # must-fail
    informer.add_handler(on_widget_event)  # must-fail
    informer.add_handler(lambda event: event.new.size)  # must-fail
    informer.add_key_handler(on_stone)  # must-fail
    informer.add_key_handler(lambda key: key.size)  # must-fail
    informer.add_key_handler(print, where=is_heavy)  # must-fail
    informer.add_key_handler(print, where=of_stones)  # must-fail
    informer.add_key_handler(print, where=of_stones & generation_changed)  # must-fail
    informer.add_key_handler(print, where=generation_changed | satisfies(is_heavy))  # must-fail
    informer.add_key_handler(print, where=lambda gadget: gadget.weight > 3)  # must-fail
    informer.add_index(index("weight", lambda gadget: [str(gadget.weight)]))  # must-fail
    informer.wait_for(Stone())  # must-fail
    registration = informer.add_key_handler(print)
    other.remove(registration)  # must-fail


def factories() -> None:
    factory = InformerFactory(connect, labels="app=web")  # must-fail
    stones = Resource("example.com", "v1", "stones", "Stone", namespaced=True)
    factory.informer_for(stones, ObjectKey)  # must-fail
    factory.informer_for(stones, Stone, namespaces="shop")  # must-fail
    factory.informer_for(stones, Stone).add_event_handler(on_add=lambda stone: stone.size)  # must-fail
    factory.on_error(lambda report: report.message)  # must-fail
