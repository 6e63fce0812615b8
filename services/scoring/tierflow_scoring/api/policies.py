"""Routes about policies: which rules decide tiers."""

from typing import Annotated

from fastapi import APIRouter

from tierflow_scoring.api import models, views
from tierflow_scoring.api.context import Context
from tierflow_scoring.domain.days import date_of
from tierflow_scoring.domain.decision import amount_text, feature_text
from tierflow_scoring.domain.policy import PolicyVersion
from tierflow_shared.web.auth import Principal, requires
from tierflow_shared.web.models import PathId
from tierflow_shared.web.problems import not_found
from tierflow_shared.web.routing import service_router

Reader = Annotated[Principal, requires("policies:read", customers=True, rms=True)]


def policies_router(context: Context) -> APIRouter:
    """The policy set this service decides by."""
    router = service_router("/scoring/v1", ["policies"])

    @router.get("/policies")
    def list_policies(principal: Reader) -> models.PoliciesOut:  # noqa: ARG001
        """All versions of all schemes, and which are in force."""
        with context.reading() as (repository, _):
            latest = max(repository.open_days().values(), default=None)
        items = [
            models.PolicyRow(
                scheme=scheme.name,
                version=version.version,
                effective_from=date_of(version.effective_from),
                title=views.title(version.title),
                in_force=version is (scheme.versions[-1] if latest is None else scheme.on(latest)),
            )
            for scheme in context.policies.schemes
            for version in scheme.versions
        ]
        return models.PoliciesOut(policy_set=context.policies.name, items=items)

    @router.get("/policies/{scheme}/{version}")
    def read_policy(principal: Reader, scheme: PathId, version: PathId) -> models.PolicyOut:  # noqa: ARG001
        """One version in full: measure, thresholds, waits, and what each tier gets."""
        known = context.policies.scheme(scheme)
        found = next((one for one in known.versions if one.version == version), None) if known else None
        if found is None:
            raise not_found("policy")
        return _policy(found, context)

    return router


def _policy(version: PolicyVersion, context: Context) -> models.PolicyOut:
    measure, currency = version.measure, context.currency
    return models.PolicyOut(
        scheme=version.scheme,
        version=version.version,
        effective_from=date_of(version.effective_from),
        title=views.title(version.title),
        measure=measure.name,
        unit=views.unit(version, currency),
        parts=[
            models.PolicyPartView(
                name=part.name,
                feature=part.feature,
                weight_percent=part.weight_percent,
                line=[(feature_text(part.feature, value, currency), points) for value, points in part.line],
            )
            for part in measure.parts
        ],
        grace_days=version.grace_days,
        minimum_stay_days=version.minimum_stay_days,
        provisional_months=context.policies.provisional_months,
        tiers=[
            models.PolicyTierView(
                tier=tier.name,
                title=views.title(tier.title),
                enter=amount_text(measure, tier.enter, currency),
                exit=amount_text(measure, tier.exit, currency),
                service=views.service(tier.service),
            )
            for tier in version.tiers
        ],
    )
