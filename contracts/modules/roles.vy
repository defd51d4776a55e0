# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
"""
@title Roles: who may act
@notice The operator runs passes and batches, the guardian may stop a round, the owner appoints both
        and changes hands in two steps. None of them can move an account's NMR anywhere but to the
        account's own address.
"""

from . import refusals

from snekmate.auth import ownable

uses: refusals
uses: ownable

_operator: address
_guardian: address


event OperatorSet:
    previous: indexed(address)
    operator: indexed(address)


event GuardianSet:
    previous: indexed(address)
    guardian: indexed(address)


@deploy
def __init__(owner_: address, operator_: address, guardian_: address):
    if owner_ == empty(address):
        refusals._refuse(refusals.OWNER_ZERO)

    ownable._transfer_ownership(owner_)
    self._set_operator(operator_)
    self._set_guardian(guardian_)


@internal
def _set_operator(operator: address):
    if operator == empty(address):
        refusals._refuse(refusals.OPERATOR_ZERO)

    previous: address = self._operator
    self._operator = operator

    log OperatorSet(previous=previous, operator=operator)


@internal
def _set_guardian(guardian: address):
    if guardian == empty(address):
        refusals._refuse(refusals.GUARDIAN_ZERO)

    previous: address = self._guardian
    self._guardian = guardian

    log GuardianSet(previous=previous, guardian=guardian)


@internal
@view
def _check_operator():
    if msg.sender != self._operator:
        refusals._refuse(refusals.ONLY_OPERATOR)


@internal
@view
def _check_operator_or_owner():
    if msg.sender != self._operator and msg.sender != ownable.owner:
        refusals._refuse(refusals.ONLY_OPERATOR_OR_OWNER)


@internal
@view
def _check_guardian():
    if msg.sender != self._guardian:
        refusals._refuse(refusals.ONLY_GUARDIAN)
