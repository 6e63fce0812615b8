"""A plan as an iCalendar file (RFC 5545) for the manager's own calendar. Carries no id of a customer."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event

from tierflow_contact_planner.domain.contacts import Contact
from tierflow_contact_planner.domain.policy import Hours, Policy
from tierflow_contact_planner.domain.talking import label_of


def calendar_file(contacts: Iterable[Contact], hours: Hours, policy: Policy, made_at: datetime) -> bytes:
    """One event per contact that is still planned; times are local to `hours.zone`, written in UTC."""
    calendar = Calendar()
    calendar.add("prodid", "-//tierflow//contact-planner//EN")
    calendar.add("version", "2.0")
    zone = ZoneInfo(hours.zone)
    for contact in contacts:
        if contact.status == "planned":
            calendar.add_component(_event(contact, zone, policy, made_at))
    content: bytes = calendar.to_ical()
    return content


def _event(contact: Contact, zone: ZoneInfo, policy: Policy, made_at: datetime) -> Event:
    begins = datetime.combine(contact.planned_on, contact.starts_at, zone).astimezone(UTC)
    labels = [label_of(reason.kind, policy) for reason in contact.reasons]
    event = Event()
    event.add("uid", f"{contact.contact_id}@tierflow")
    event.add("dtstamp", made_at.astimezone(UTC))
    event.add("dtstart", begins)
    event.add("dtend", begins + timedelta(minutes=contact.minutes))
    event.add("summary", f"{contact.channel}: {', '.join(label.en for label in labels)}")
    event.add("description", f"{contact.contact_id}\n{'、'.join(label.zh for label in labels)}")
    event.add("categories", [contact.purpose])
    return event
