"""A provider of OpenID Connect: Django OAuth Toolkit, with a page that asks for account and password.

    python3 oidc-django.py SECRET_FILE FOLDER      prints its port
"""
import logging
import sys
from urllib.parse import parse_qs, urlencode, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from django.conf import settings
from jwcrypto.jwk import JWK


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


# One request at a time, as its database would have it.
server = WSGIServer(("127.0.0.1", 0), Quiet)
issuer = f"http://127.0.0.1:{server.server_port}"
secret = open(sys.argv[1]).read()
logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    SECRET_KEY=secret,
    ROOT_URLCONF=__name__,
    LOGIN_URL="/interaction/",
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{sys.argv[2]}/provider.db"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "oauth2_provider"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware"],
    OAUTH2_PROVIDER={
        "OIDC_ENABLED": True,
        "OIDC_ISS_ENDPOINT": issuer,
        "OIDC_RSA_PRIVATE_KEY": JWK.generate(kty="RSA", size=2048).export_to_pem(True, None).decode(),
        "PKCE_REQUIRED": True,
        "SCOPES": {"openid": "who it is", "profile": "names and groups", "email": "address"},
        "OAUTH2_VALIDATOR_CLASS": f"{__name__}.Validator",
    },
)

import django  # noqa: E402 # it reads the settings

django.setup()

from django.contrib.auth import get_user_model, login  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpResponse, HttpResponseRedirect  # noqa: E402
from django.urls import include, path  # noqa: E402
from oauth2_provider.models import get_application_model  # noqa: E402
from oauth2_provider.oauth2_validators import OAuth2Validator  # noqa: E402
from oauth2_provider.views import ConnectDiscoveryInfoView  # noqa: E402

GROUPS = {"ann": ["etl-admins", "ops"], "bob": ["ops"]}
PAGE = """<!doctype html><title>Provider</title><form method="post">
<input name="account" aria-label="Account"><input name="password" type="password" aria-label="Password">
<button>Sign in</button> <button name="refuse" value="1">Refuse</button></form>"""


class Validator(OAuth2Validator):
    def get_additional_claims(self, request):
        account = request.user.get_username()
        return {
            "sub": f"subject-of-{account}",
            "preferred_username": account,
            "name": f"{account} of the provider",
            "email": f"{account}@hcndc.test",
            "email_verified": True,
            "groups": GROUPS.get(account, []),
        }


def interaction(request):
    if request.method != "POST":
        return HttpResponse(PAGE)
    there = request.GET["next"]
    if "refuse" in request.POST:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(there).query).items()}
        no = urlencode({"error": "access_denied", "state": asked["state"]})
        return HttpResponseRedirect(f"{asked['redirect_uri']}?{no}")
    account = request.POST.get("account", "")
    if request.POST.get("password") != f"{account}-password":
        return HttpResponse(PAGE, status=401)
    login(request, get_user_model().objects.get_or_create(username=account)[0])
    return HttpResponseRedirect(there)


urlpatterns = [
    path("interaction/", interaction),
    # The toolkit's own has a slash behind it, which the specification has not.
    path(".well-known/openid-configuration", ConnectDiscoveryInfoView.as_view()),
    path("", include("oauth2_provider.urls", namespace="oauth2_provider")),
]

call_command("migrate", verbosity=0)
applications = get_application_model()
applications.objects.all().delete()
applications.objects.create(
    client_id="hcndc",
    client_secret=secret,
    client_type=applications.CLIENT_CONFIDENTIAL,
    authorization_grant_type=applications.GRANT_AUTHORIZATION_CODE,
    # A program on this host: any port will do (RFC 8252, 7.3).
    redirect_uris="http://127.0.0.1/api/v1/session/oidc/callback",
    skip_authorization=True,
    algorithm=applications.RS256_ALGORITHM,
)
server.set_app(get_wsgi_application())
print(server.server_port, flush=True)
server.serve_forever()
