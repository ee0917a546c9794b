#!/usr/bin/env bash
# Bring an overlay up, or to a new version: deploy/rollout.sh OVERLAY NAMESPACE
# Run its Jobs and nothing else, as after a restore: deploy/rollout.sh OVERLAY NAMESPACE jobs
#
# The Jobs (migrations, topics) end before a pod of the new version starts: nothing that runs is touched until
# both are complete, and this stops where one is not. What runs serves on meanwhile, for a migration keeps the
# code before it working.
set -euo pipefail
overlay=${1:?usage: deploy/rollout.sh OVERLAY NAMESPACE [jobs]}
namespace=${2:?usage: deploy/rollout.sh OVERLAY NAMESPACE [jobs]}
only=${3:-all}
jobs='app.kubernetes.io/name=metriport-ias,app.kubernetes.io/component in (migrate, topics)'
others='app.kubernetes.io/component notin (ingress, consumers, gateway)'

# A Job cannot be changed: the finished ones go first.
kubectl delete job --namespace "$namespace" --selector "$jobs" --ignore-not-found
kubectl apply --kustomize "$overlay" --selector "$others"
# Longer than the Jobs may take: one that failed is told by this command, not overtaken by it.
kubectl wait job --namespace "$namespace" --selector "$jobs" --for condition=complete --timeout 11m
[ "$only" = jobs ] && exit
kubectl apply --kustomize "$overlay"
for role in ingress consumers gateway; do
    kubectl rollout status --namespace "$namespace" "deployment/metriport-ias-$role" --timeout 10m
done
