"""The group roles that login roles of the processes are members of.

``ias_service`` is for consumers and gateway, ``ias_ingress`` for the ingress. They cannot log in;
deployments create login roles and grant these to them.
"""

from typing import Final

from sqlalchemy import Connection

GROUP_ROLES: Final = ("ias_service", "ias_ingress")


def create_group_roles(connection: Connection) -> None:
    """Create what is missing; roles belong to the whole cluster and may exist already."""
    for role in GROUP_ROLES:
        found = connection.exec_driver_sql("select 1 from pg_roles where rolname = $1", (role,))
        if found.first() is None:
            connection.exec_driver_sql(f"create role {role} nologin")
