from own_package.modeling import data
from own_package.pipeline.params import load_params


def test_each_row_has_an_entity_of_its_own_and_a_target():
    params = load_params()
    frame = data.ingest(params.data, params.seed)
    assert frame[data.ENTITY].is_unique
    assert frame[data.TARGET].notna().all()


def test_nothing_known_later_is_a_feature():
    params = load_params()
    features, target = data.features_and_target(data.ingest(params.data, params.seed))
    assert not {data.ENTITY, data.TIMESTAMP, *data.KNOWN_LATER} & set(features)
    assert target.name == data.TARGET
