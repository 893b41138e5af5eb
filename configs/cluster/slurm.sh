#!/usr/bin/env bash
# The full grid on SLURM: a Ray node on every node of the job, the driver on the first.
#
#   sbatch configs/cluster/slurm.sh                      # the full grid
#   sbatch configs/cluster/slurm.sh --grid paper         # or another: the words go to `study run`
#
# Repeat the command when the time is up or a node was lost: it goes on from the checkpoints.
# `scancel --batch --signal=TERM JOBID` stops it cleanly; the time limit does so by itself.
#
# The package must be installed in an environment that every node sees, and RESULTS must be a folder
# of the shared file system (or s3://...): a check before the first run names the node that lacks
# one of them. For GPUs add `#SBATCH --gpus-per-node=1`.

#SBATCH --job-name=vae-study
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --time=08:00:00
#SBATCH --signal=B:TERM@120   # two minutes before the end: runs save their epoch and stop
#SBATCH --requeue             # a job whose node failed begins again, and goes on
#SBATCH --open-mode=append

set -euo pipefail

VENV=${VENV:-$HOME/vae-study/.venv}          # with `pip install vae-study`, or -e of a checkout
RESULTS=${RESULTS:-$PWD/results}
export STUDY_DATA=${STUDY_DATA:-$PWD/mnist}  # fetched once, shared by all nodes
# shellcheck disable=SC1091
. "$VENV/bin/activate"
[ $# -gt 0 ] || set -- --grid full

ray get-auth-token --generate >/dev/null    # in the home that nodes share; they know each other by it
nodes=$(scontrol show hostnames "$SLURM_JOB_NODELIST")
head=$(head -n 1 <<<"$nodes")
port=$((20000 + SLURM_JOB_ID % 20000))       # two jobs may share a node
export RAY_ADDRESS="$head:$port"

on_each=(srun --overlap --nodes=1 --ntasks=1)
"${on_each[@]}" -w "$head" ray start --head --port="$port" --num-cpus="$SLURM_CPUS_PER_TASK" --block &
sleep 20
for node in $(tail -n +2 <<<"$nodes"); do
  "${on_each[@]}" -w "$node" ray start --address="$RAY_ADDRESS" \
    --num-cpus="$SLURM_CPUS_PER_TASK" --block &
done
sleep 20

# The batch shell gets the signal; the driver is told, and waited for, so that it can end in order.
study run "$@" --results "$RESULTS" &
driver=$!
trap 'kill -TERM "$driver"' TERM INT
status=0
wait "$driver" || status=$?
while kill -0 "$driver" 2>/dev/null; do wait "$driver" || status=$?; done
exit "$status"
