"""The model behind MAX's own server: `./run serve`.

The files, in the order in which they are read:

    ragged        the model, with keys and values in MAX's pages
    architecture  the loop that MAX's scheduler calls
    rules         what a request may say
    texts         what comes of it, as it comes
    completions   the door: `/v1/completions`
    server        MAX's server, with that door
    replicas      several of them behind nginx
    __main__      the command line
"""
