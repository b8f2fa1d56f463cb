"""Run by the Python that has NEMO, never by ours: its settings, and as many tools and users as are measured.

    DJANGO_SETTINGS_MODULE=nemo_place python nemo_place.py TOOLS USERS

prints the users' session keys and the tools' numbers as JSON.
"""

import json
import os
import sys

from NEMO.tests.test_settings import *  # noqa: F403 -- the settings that the package brings
from NEMO.tests.test_settings import MIDDLEWARE

DEBUG = False
ALLOWED_HOSTS = ["*"]
LOGGING = {"version": 1}
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
TIME_ZONE = "Asia/Shanghai"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
MIDDLEWARE = [one for one in MIDDLEWARE if "RemoteUser" not in one]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "nemo",
        "USER": "postgres",
        "HOST": os.environ.get("NEMO_DATABASE_HOST", ""),
        "CONN_MAX_AGE": None,
    }
}


def fill(tools: int, users: int) -> None:
    import django  # noqa: PLC0415 -- not before the settings

    django.setup()
    from django.contrib.sessions.backends.db import SessionStore  # noqa: PLC0415
    from NEMO.models import Account, Project, Tool, User  # noqa: PLC0415

    account = Account.objects.create(name="bench")
    project = Project.objects.create(name="bench", account=account)
    made = []
    for number in range(users + 1):
        user = User.objects.create(
            username=f"user{number}", first_name="U", last_name=str(number), email=f"user{number}@test.example",
            training_required=False, is_superuser=number == users,
        )  # fmt: skip
        user.projects.add(project)
        made.append(user)
    numbers = []
    for number in range(tools):
        tool = Tool.objects.create(
            name=f"tool{number}", visible=True, _category="bench", _location="bench", _primary_owner=made[0],
            _operational=True,
        )  # fmt: skip
        numbers.append(tool.id)
        for user in made:
            user.add_qualification(tool) if hasattr(user, "add_qualification") else user.qualifications.add(tool)
    keys = []
    for user in made:
        session = SessionStore()
        session["_auth_user_id"], session["_auth_user_backend"] = str(user.pk), AUTHENTICATION_BACKENDS[0]
        if hasattr(user, "get_session_auth_hash"):
            session["_auth_user_hash"] = user.get_session_auth_hash()
        session.create()
        keys.append(session.session_key)
    print(json.dumps({"sessions": keys, "users": [one.id for one in made], "tools": numbers, "project": project.id}))


if __name__ == "__main__":
    fill(int(sys.argv[1]), int(sys.argv[2]))
