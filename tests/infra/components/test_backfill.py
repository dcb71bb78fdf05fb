from infra.components.backfill import ITEMS_PER_BATCH, definition

MADE = definition(function_arn="arn:function", results_bucket="results", max_concurrency=7)


def test_a_distributed_map_hands_batches_to_the_function():
    each = MADE["States"]["EachScan"]
    assert each["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED"
    assert each["MaxConcurrency"] == 7
    assert each["ItemBatcher"] == {"MaxItemsPerBatch": ITEMS_PER_BATCH}
    assert each["ToleratedFailurePercentage"] == 1
    assert each["ItemProcessor"]["States"]["Classify"]["Arguments"]["FunctionName"] == "arn:function"


def test_every_state_that_is_named_exists():
    for machine in (MADE, MADE["States"]["EachScan"]["ItemProcessor"]):
        states = machine["States"]
        named = {machine["StartAt"]}
        for state in states.values():
            named |= {state.get("Next"), state.get("Default"), *(choice["Next"] for choice in state.get("Choices", []))}
        assert named - {None} == set(states)


def test_the_map_may_start_only_itself(production):
    actions = [
        item for where, item in production.statements() if where.startswith("Backfill/") and "states:" in str(item["Action"])
    ]
    assert actions
    assert all("retinal-oct-production-backfill" in str(item["Resource"]) for item in actions)
