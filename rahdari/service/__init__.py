"""One typed operation each: a request, events on the way, a response.  CLI and HTTP are made from these."""
