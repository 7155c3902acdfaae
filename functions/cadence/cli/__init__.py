"""The command line `cadence`: talks to the API over HTTP only."""
