"""Lines of logs in OpenSearch: a `LineStore`.

An index holds the lines of an organization's runs that began in one month. Every line is one document, whose id says
where in its run's log it stands, so that putting it again changes nothing.
"""
