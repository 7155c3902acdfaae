"""LDAP servers and Active Directory domains of an organization."""

DIRECTORY_IDENTITY = "directory:"
