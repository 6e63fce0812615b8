"""The register of event types: the one place that ties a type name to its data, topic and key."""

from dataclasses import dataclass
from typing import Final, Literal

from tierflow_shared.contracts import bank, outcomes
from tierflow_shared.contracts.primitives import Data

BANK_EVENTS: Final = "bank.events"
BANK_REFERENCE: Final = "bank.reference"
TIERS: Final = "tierflow.tiers"
CONTACTS: Final = "tierflow.contacts"
SALES: Final = "tierflow.sales"
DEAD_LETTERS: Final = "tierflow.dead-letters"
ERASURES: Final = "tierflow.erasures"
TOPICS: Final = (BANK_EVENTS, BANK_REFERENCE, TIERS, CONTACTS, SALES, DEAD_LETTERS, ERASURES)
# Topics that keep what they hold for ever: a restored database learns from them who was erased meanwhile.
KEPT_FOR_EVER: Final = frozenset({ERASURES})


@dataclass(frozen=True, slots=True)
class EventType:
    """One versioned event: `key_field` names the field whose value orders and partitions the messages."""

    name: str
    data: type[Data]
    topic: str
    key_field: str
    direction: Literal["in", "out", "internal"]
    title: str
    title_zh: str


_TYPES: Final = (
    EventType("bank.customer.updated.v1", bank.CustomerUpdated, BANK_EVENTS, "customer_id", "in",
              "Customer profile updated", "客户资料更新"),
    EventType("bank.account.opened.v1", bank.AccountOpened, BANK_EVENTS, "customer_id", "in",
              "Account opened", "开户"),
    EventType("bank.account.closed.v1", bank.AccountClosed, BANK_EVENTS, "customer_id", "in",
              "Account closed", "销户"),
    EventType("bank.account-party.updated.v1", bank.AccountPartyUpdated, BANK_EVENTS, "customer_id", "in",
              "Right to an account updated", "账户权限更新"),
    EventType("bank.standing-order.updated.v1", bank.StandingOrderUpdated, BANK_EVENTS, "customer_id", "in",
              "Standing order updated", "定期付款指令更新"),
    EventType("bank.transaction.posted.v1", bank.TransactionPosted, BANK_EVENTS, "customer_id", "in",
              "Transaction posted", "交易入账"),
    EventType("bank.transaction.reversed.v1", bank.TransactionReversed, BANK_EVENTS, "customer_id", "in",
              "Transaction reversed", "交易冲正"),
    EventType("bank.holding.updated.v1", bank.HoldingUpdated, BANK_EVENTS, "customer_id", "in",
              "Holding valued", "持仓更新"),
    EventType("bank.kyc.updated.v1", bank.KycUpdated, BANK_EVENTS, "customer_id", "in",
              "Due diligence updated", "尽职调查更新"),
    EventType("bank.consent.updated.v1", bank.ConsentUpdated, BANK_EVENTS, "customer_id", "in",
              "Contact consent updated", "联系授权更新"),
    EventType("bank.sale.requested.v1", bank.SaleRequested, BANK_EVENTS, "customer_id", "in",
              "Sale requested", "销售申请"),
    EventType("bank.product.updated.v1", bank.ProductUpdated, BANK_REFERENCE, "product_id", "in",
              "Product updated", "产品更新"),
    EventType("bank.rm.updated.v1", bank.RmUpdated, BANK_REFERENCE, "rm_id", "in",
              "Relationship manager updated", "客户经理更新"),
    EventType("tierflow.tier.changed.v1", outcomes.TierChanged, TIERS, "customer_id", "out",
              "Tier changed", "等级变动"),
    EventType("tierflow.tier.pending.v1", outcomes.TierPending, TIERS, "customer_id", "out",
              "Downgrade pending", "待降级"),
    EventType("tierflow.contact.planned.v1", outcomes.ContactPlanned, CONTACTS, "rm_id", "out",
              "Contact planned", "接触计划"),
    EventType("tierflow.contact.recorded.v1", outcomes.ContactRecorded, CONTACTS, "rm_id", "out",
              "Contact recorded", "接触记录"),
    EventType("tierflow.sale.decided.v1", outcomes.SaleDecided, SALES, "customer_id", "out",
              "Sale decided", "销售适当性决定"),
    EventType("tierflow.sale.confirmed.v1", outcomes.SaleConfirmed, SALES, "customer_id", "out",
              "Sale confirmed", "销售确认"),
    EventType("tierflow.sale.rejected.v1", outcomes.SaleRejected, SALES, "customer_id", "out",
              "Sale rejected", "销售拒绝"),
    EventType("tierflow.business-date.advanced.v1", outcomes.BusinessDateAdvanced, BANK_EVENTS,
              "business_date", "internal", "Business date advanced", "营业日推进"),
    EventType("tierflow.customer.erased.v1", outcomes.CustomerErased, ERASURES, "customer_id", "out",
              "Customer erased", "客户个人信息已删除"),
    EventType("tierflow.dead-letter.recorded.v1", outcomes.DeadLetter, DEAD_LETTERS, "key", "internal",
              "Dead letter recorded", "死信"),
)  # fmt: skip

EVENT_TYPES: Final[dict[str, EventType]] = {event.name: event for event in _TYPES}
TYPE_OF_DATA: Final[dict[type[Data], EventType]] = {event.data: event for event in _TYPES}
INBOUND_TYPES: Final[frozenset[str]] = frozenset(e.name for e in _TYPES if e.direction == "in")
