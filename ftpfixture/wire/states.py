def check_exchange(verb, argument, codes):
    return None
