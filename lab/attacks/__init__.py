"""The attack catalogue: attacks as data and small functions, run against the real agent and the real server.

`model` defines an attack; `harness` has servers, devices, the hostile network and the forge of tokens; `catalogue`
collects the attacks of `tokens`, `server` and `device`; `runner` runs them, `vectors` exports them.
"""
