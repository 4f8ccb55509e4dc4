"""Times, measured against other frameworks on the same machine in the same run; tables in docs/benchmarks/.

`make bench` makes an environment with those frameworks (`requirements.txt`) and runs each script here;
`make bench-NAME` runs one of them. With ``--quick`` a script shows in a minute or so that it works.
"""
