from accounts.models import Jurisdiction
from accounts.rules.calendars import Calendar


def calendar_of(j):
    return Calendar(Jurisdiction.objects.get(pk=j).time_zone)
