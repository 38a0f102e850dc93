"""Leader election: of several processes one works, the others wait, and one of them takes over."""

from kinform.leaderelection.config import LeaderElection, default_identity
from kinform.leaderelection.elector import LeaderElector
from kinform.leaderelection.statistics import LeaderElectionStatistics
from kinform.leaderelection.work import Leadership

__all__ = ["LeaderElection", "LeaderElectionStatistics", "LeaderElector", "Leadership", "default_identity"]
