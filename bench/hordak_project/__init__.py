"""A Django project with django-hordak alone."""
