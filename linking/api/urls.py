"""Addresses of links, below /api/v1/."""

from django.urls import path

from linking.api import agreements, ends, instruments, links, readiness, thefts
from linking.api.replay import Replay

urlpatterns = [
    path("links", links.Links.as_view(), name="links"),
    path("links/<row:id>", links.LinkDetail.as_view(), name="link"),
    path("links/<row:id>/conditions", instruments.Conditions.as_view(), name="conditions"),
    path("links/<row:id>/final-statements", ends.FinalStatements.as_view(), name="final-statements"),
    path("links/<row:id>/books", ends.IssuersBooks.as_view(), name="books"),
    path("corridors", links.Corridors.as_view(), name="corridors"),
    path("corridors/<row:id>", links.CorridorDetail.as_view(), name="corridor"),
    path("corridors/<row:id>/replay", Replay.as_view(), name="replay"),
    path("corridors/<row:id>/suspend", instruments.Suspend.as_view(), name="suspend"),
    path("quotas", links.Quotas.as_view(), name="quotas"),
    path("flows", links.Flows.as_view(), name="flows"),
    path("agreements", agreements.Agreements.as_view(), name="agreements"),
    path("agreements/<row:id>", agreements.AgreementDetail.as_view(), name="agreement"),
    path("agreements/<row:id>/text", agreements.AgreementText.as_view(), name="agreement-text"),
    path("recognitions", agreements.Recognitions.as_view(), name="recognitions"),
    path("recognitions/<row:id>", agreements.RecognitionDetail.as_view(), name="recognition"),
    path("instruments", instruments.Instruments.as_view(), name="instruments"),
    path("instruments/<row:id>", instruments.InstrumentDetail.as_view(), name="instrument"),
    path("instruments/<row:id>/sign", instruments.Sign.as_view(), name="sign"),
    path("instruments/<row:id>/withdraw", instruments.Withdraw.as_view(), name="withdraw-instrument"),
    path("notices", thefts.Notices.as_view(), name="notices"),
    path("notices/<row:id>", thefts.NoticeDetail.as_view(), name="notice"),
    path("theft-cases", thefts.TheftCases.as_view(), name="theft-cases"),
    path("theft-cases/<row:id>", thefts.TheftCaseDetail.as_view(), name="theft-case"),
    path("theft-cases/<row:id>/decide", thefts.DecideTheftCase.as_view(), name="decide-theft-case"),
    path("theft-cases/<row:id>/withdraw", thefts.WithdrawTheftCase.as_view(), name="withdraw-theft-case"),
    path("readiness", readiness.ReadinessList.as_view(), name="readiness"),
    path("readiness/<str:first>/<str:second>", readiness.ReadinessDetail.as_view(), name="readiness-of-two"),
]
