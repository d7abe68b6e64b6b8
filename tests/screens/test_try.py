import time
from tests.stage import *
async def test_a():
    t=time.perf_counter()
    async with stage(160,50) as on:
        print("up", time.perf_counter()-t)
        print(on.text())
        t=time.perf_counter()
        await on.press("j")
        print("press", time.perf_counter()-t)
        await on.press("enter"); print(on.text())
        await on.press("enter"); print(on.text())
        t=time.perf_counter()
        await on.press("question_mark"); print(on.text())
        print(on.kind)
        await on.press("escape", "escape", "escape")
        await on.press("colon"); print(on.kind); print(on.text())
    print("down", time.perf_counter()-t)
async def test_b():
    t=time.perf_counter()
    async with stage(80,24) as on:
        print("up", time.perf_counter()-t)
        print(on.text())
        for k in ("f","o","L"):
            await on.press(k); print(on.text())
        await on.press("escape","slash","C"); print(on.text())
        t=time.perf_counter()
    print("down", time.perf_counter()-t)
