async def check_path_io(factory, root=None): return None
