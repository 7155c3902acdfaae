"""`LineStore` on OpenSearch: lines of logs.

An index holds the lines of an organization's runs that began in one month. Every line is one document, whose id is its
place in its run's log, so that storing it again changes nothing.
"""
