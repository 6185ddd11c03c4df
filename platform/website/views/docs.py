"""The public documentation."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from website.articles import SHELVES, articles_on, find_article, shelf_of
from website.components import Crumb
from website.pages import page_url


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Every article, grouped by who it is for."""
    shelves = [(shelf, articles_on(shelf, get_language())) for shelf in SHELVES]
    return render(request, "website/pages/docs.html", {"shelves": shelves})


@require_safe
def article(request: HttpRequest, slug: str) -> HttpResponse:
    """One article, with its neighbours on the same shelf."""
    found = find_article(slug, get_language())
    shelf = shelf_of(slug)
    if found is None or shelf is None:
        raise Http404
    neighbours = [other for other in articles_on(shelf, get_language()) if other.slug != slug]
    crumbs = [Crumb(_("Help and guides"), page_url("docs")), Crumb(found.title)]
    return render(
        request,
        "website/pages/article.html",
        {"article": found, "shelf": shelf, "neighbours": neighbours, "crumbs": crumbs},
    )
