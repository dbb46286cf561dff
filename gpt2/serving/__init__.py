"""The model behind MAX's own server: `./run serve`.

architecture  the model as MAX serves it, and the loop that its scheduler calls
completions   the door: `/v1/completions`, what it lets in and what it answers
server        MAX's server, with that door
replicas      several of them behind nginx
__main__      the command line
"""
