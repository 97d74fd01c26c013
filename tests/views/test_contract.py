"""Every view keeps the contract of projections, on both databases."""

import pytest
from sqlalchemy import create_engine, text

from tests.projection.histories import past as random_past
from verbund import sqlite
from verbund.testing.projection import ProjectionContract
from verbund.views import SQL_VIEWS, all_views


@pytest.fixture(scope="module")
def one_database(postgres_server):
    """Emptied for each test, which is quicker than a new one."""
    name = postgres_server.new_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.mark.parametrize("seed", [1])
class TestEveryView(ProjectionContract):
    @pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
    def database(self, request, tmp_path):
        if request.param == "sqlite":
            engine = sqlite.engine(tmp_path / "views.db")
        else:
            engine = create_engine(request.getfixturevalue("emptied_database"))
        yield engine
        engine.dispose()

    @pytest.fixture
    def emptied_database(self, one_database):
        engine = create_engine(one_database)
        with engine.begin() as tx:
            tx.execute(text("DROP SCHEMA public CASCADE"))
            tx.execute(text("CREATE SCHEMA public"))
        engine.dispose()
        return one_database

    @pytest.fixture(params=SQL_VIEWS)
    def view(self, request):
        return next(view for view in all_views() if view.name == request.param)

    @pytest.fixture
    def past(self, seed):
        return random_past(seed)


def test_the_list_of_names_is_the_list_of_views():
    assert tuple(view.name for view in all_views()) == SQL_VIEWS
