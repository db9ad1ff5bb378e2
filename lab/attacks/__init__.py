"""The attack catalogue: attacks as data and small functions, run against the real agent and the real server.

`model` says what an attack is, `theatre` sets up servers and phones, `interceptor` is the hostile network, `forge`
makes tokens; `catalogue` collects the attacks of the other modules, `runner` runs them, `vectors` exports them.
"""
