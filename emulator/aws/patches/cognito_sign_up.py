"""Signing up to a user pool: who may, who is confirmed, and how messages are worded."""

import random
from collections.abc import Mapping
from typing import Any, Final

from emulator.aws.patches.cognito_request import (
    Asking,
    flat,
    of_user,
    pool_of_client,
    validation_data,
)
from emulator.observe import Reporter

_CODE_PLACE: Final = "{####}"
_USERNAME_PLACE: Final = "{username}"


class SignUp:
    """What surrounds moto's methods of accounts and passwords. Any thread may call."""

    def __init__(self, asking: Asking, reporter: Reporter) -> None:
        self._asking = asking
        self._reporter = reporter

    def around_sign_up(self, original: Any) -> Any:
        """Ask before a user is made, and afterwards when he is confirmed at once."""

        def sign_up(
            backend: Any, client_id: str, username: str, password: str, attributes: Any
        ) -> Any:
            pool = pool_of_client(backend, client_id)
            if pool is None or pool._get_user(username):
                return original(backend, client_id, username, password, attributes)
            backend._validate_password(pool.id, password)
            verdict = self._before_sign_up(pool, "PreSignUp_SignUp", username, attributes)
            user, delivery = original(backend, client_id, username, password, attributes)
            self._apply(user, verdict)
            if verdict.get("autoConfirmUser"):
                self._confirm(pool, user)
            else:
                self._message(pool, user, "CustomMessage_SignUp")
            return user, delivery

        return sign_up

    def around_admin_create_user(self, original: Any) -> Any:
        """The same for a user that an administrator makes."""

        def admin_create_user(
            backend: Any,
            user_pool_id: str,
            username: str,
            message_action: str,
            temporary_password: str,
            attributes: Any,
        ) -> Any:
            pool = backend.describe_user_pool(user_pool_id)
            verdict: dict[str, Any] = {}
            if message_action != "RESEND" and not pool._get_user(username):
                verdict = self._before_sign_up(
                    pool, "PreSignUp_AdminCreateUser", username, attributes
                )
            user = original(
                backend, user_pool_id, username, message_action, temporary_password, attributes
            )
            self._apply(user, {**verdict, "autoConfirmUser": False})
            if message_action != "SUPPRESS":
                self._message(pool, user, "CustomMessage_AdminCreateUser")
            return user

        return admin_create_user

    def _before_sign_up(
        self, pool: Any, source: str, username: str, attributes: Any
    ) -> dict[str, Any]:
        data = validation_data()
        response = {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False}
        verdict = self._asking.ask(
            pool,
            "PreSignUp",
            source,
            username,
            flat(attributes),
            {"validationData": data},
            response,
        )
        return verdict or {}

    def _apply(self, user: Any, verdict: Mapping[str, Any]) -> None:
        for member, attribute in (
            ("autoVerifyEmail", "email"),
            ("autoVerifyPhone", "phone_number"),
        ):
            if verdict.get(member) and attribute in user.attribute_lookup:
                user.update_attributes([{"Name": f"{attribute}_verified", "Value": "true"}])

    def _confirm(self, pool: Any, user: Any) -> None:
        from moto.cognitoidp.models import UserStatus

        user.status = UserStatus.CONFIRMED
        self._confirmed(pool, user, "PostConfirmation_ConfirmSignUp")

    def _confirmed(self, pool: Any, user: Any, source: str) -> None:
        self._asking.ask(pool, "PostConfirmation", source, user.username, of_user(user))

    def after_confirm(self, original: Any) -> Any:
        """Ask when a user has confirmed his account."""

        def confirm_sign_up(backend: Any, client_id: str, username: str) -> Any:
            done = original(backend, client_id, username)
            pool = pool_of_client(backend, client_id)
            self._confirmed(pool, pool._get_user(username), "PostConfirmation_ConfirmSignUp")
            return done

        return confirm_sign_up

    def after_admin_confirm(self, original: Any) -> Any:
        """Ask when an administrator has confirmed it."""

        def admin_confirm_sign_up(backend: Any, user_pool_id: str, username: str) -> Any:
            done = original(backend, user_pool_id, username)
            pool = backend.describe_user_pool(user_pool_id)
            self._confirmed(pool, pool._get_user(username), "PostConfirmation_ConfirmSignUp")
            return done

        return admin_confirm_sign_up

    # Passwords that were forgotten.

    def around_forgot(self, original: Any) -> Any:
        """Ask where an unknown user may come from, and how the message is worded."""

        def forgot_password(backend: Any, client_id: str, username: str) -> Any:
            pool = pool_of_client(backend, client_id)
            if pool is not None and not pool._get_user(username):
                self._asking.migrate(pool, "UserMigration_ForgotPassword", username, None)
            done = original(backend, client_id, username)
            if pool is not None and (user := pool._get_user(username)):
                self._message(pool, user, "CustomMessage_ForgotPassword")
            return done

        return forgot_password

    def after_new_password(self, original: Any) -> Any:
        """Ask when a forgotten password was replaced."""

        def confirm_forgot_password(
            backend: Any, client_id: str, username: str, password: str, confirmation_code: str
        ) -> Any:
            done = original(backend, client_id, username, password, confirmation_code)
            pool = pool_of_client(backend, client_id)
            self._confirmed(
                pool, pool._get_user(username), "PostConfirmation_ConfirmForgotPassword"
            )
            return done

        return confirm_forgot_password

    def _message(self, pool: Any, user: Any, source: str) -> None:
        """Have a function word the message. moto sends none, so the terminal shows it."""
        request = {
            "codeParameter": _CODE_PLACE,
            "linkParameter": "{##Click Here##}",
            "usernameParameter": _USERNAME_PLACE if "AdminCreateUser" in source else None,
        }
        wording = {"smsMessage": None, "emailMessage": None, "emailSubject": None}
        answer = self._asking.ask(
            pool, "CustomMessage", source, user.username, of_user(user), request, wording
        )
        code = f"{random.randrange(1_000_000):06}"
        for member in wording if answer else ():
            text = (answer or {}).get(member)
            if text:
                text = text.replace(_CODE_PLACE, code).replace(_USERNAME_PLACE, user.username)
                self._reporter.event("cognito.message", user=user.username, part=member, text=text)
