package corpus

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Workloads is how many deployments the objects belong to, each with its own env, args, images, labels and annotations.
const Workloads = 640

// size says how much stands in a pod.
type size struct {
	environment, arguments, annotations [2]int
	bare                                bool // one container without anything, not scheduled yet
}

var sizes = map[string]size{
	"pods-small": {bare: true},
	"pods":       {environment: [2]int{0, 9}, arguments: [2]int{0, 8}, annotations: [2]int{1, 4}},
}

// workload is a deployment: what all of its pods have in common.
type workload struct {
	name, namespace, hash string
	owner                 types.UID
	template              corev1.PodTemplateSpec
	images                map[string]string
	digests               map[string]string
}

func newWorkload(seed uint64, number int, wanted size) *workload {
	d := newDice(seed, uint64(1_000_000_000+number))
	service, role, team := services[number%len(services)], roles[(number/len(services))%len(roles)], d.of(teams)
	made := &workload{
		name:      fmt.Sprintf("%s-%s", service, role),
		namespace: fmt.Sprintf("%s-%s", team, d.of([]string{"prod", "staging"})),
		hash:      d.suffix(d.between(8, 10)),
		owner:     types.UID(d.uid()),
		images:    map[string]string{},
		digests:   map[string]string{},
	}
	made.template.Labels = map[string]string{
		"app.kubernetes.io/name": made.name, "pod-template-hash": made.hash,
	}
	if !wanted.bare {
		for name, value := range map[string]string{
			"app.kubernetes.io/instance": made.name + "-" + d.suffix(4), "app.kubernetes.io/component": role,
			"app.kubernetes.io/part-of": service, "app.kubernetes.io/managed-by": d.of([]string{"Helm", "argocd", "flux"}),
			"app.kubernetes.io/version": d.version(), "team": team, "helm.sh/chart": service + "-" + d.version(),
		} {
			made.template.Labels[name] = value
		}
	}
	made.template.Annotations = map[string]string{}
	for _, name := range d.some(annotationNames, d.between(wanted.annotations[0], wanted.annotations[1])) {
		if strings.HasPrefix(name, "checksum/") {
			made.template.Annotations[name] = d.hex(64)
		} else {
			made.template.Annotations[name] = d.value(service)
		}
	}
	made.template.Spec = made.spec(d, service, wanted)
	return made
}

func (d dice) version() string {
	return fmt.Sprintf("%d.%d.%d", d.between(0, 9), d.between(0, 40), d.between(0, 19))
}

func (w *workload) spec(d dice, service string, wanted size) corev1.PodSpec {
	grace, seconds := int64(d.between(10, 120)), int64(300)
	links, priority, policy := !wanted.bare, int32(0), corev1.PreemptLowerPriority
	spec := corev1.PodSpec{
		Containers:    []corev1.Container{w.container(d, service, w.name, wanted)},
		RestartPolicy: corev1.RestartPolicyAlways, TerminationGracePeriodSeconds: &grace,
		DNSPolicy: corev1.DNSClusterFirst, ServiceAccountName: w.name, DeprecatedServiceAccount: w.name,
		SecurityContext: &corev1.PodSecurityContext{}, SchedulerName: corev1.DefaultSchedulerName,
		Priority: &priority, EnableServiceLinks: &links, PreemptionPolicy: &policy,
	}
	for _, key := range []string{corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable} {
		spec.Tolerations = append(spec.Tolerations, corev1.Toleration{
			Key: key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: &seconds,
		})
	}
	if wanted.bare {
		return spec
	}
	group, yes := int64(d.between(1000, 9000)), true
	spec.SecurityContext = &corev1.PodSecurityContext{
		RunAsUser: &group, RunAsGroup: &group, FSGroup: &group, RunAsNonRoot: &yes,
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	if d.IntN(3) == 0 {
		spec.NodeSelector = map[string]string{"node.example.com/pool": d.of(teams)}
	}
	mode := int32(420)
	config := corev1.ConfigMapVolumeSource{DefaultMode: &mode}
	config.Name = w.name + "-config-" + d.hex(8)
	spec.Volumes = []corev1.Volume{
		{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &config}},
		{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
	}
	return spec
}

func (w *workload) container(d dice, service, name string, wanted size) corev1.Container {
	image := fmt.Sprintf("%s/%s/%s:%s", d.of(registries), d.of(teams), w.name, d.version())
	w.images[name], w.digests[name] = image, d.hex(64)
	made := corev1.Container{
		Name: name, Image: image, ImagePullPolicy: corev1.PullIfNotPresent,
		TerminationMessagePath: corev1.TerminationMessagePathDefault, TerminationMessagePolicy: corev1.TerminationMessageReadFile,
	}
	if wanted.bare {
		return made
	}
	for _, flag := range d.some(flags, d.between(wanted.arguments[0], wanted.arguments[1])) {
		made.Args = append(made.Args, flag+"="+d.value(service))
	}
	made.Env = append(made.Env, corev1.EnvVar{Name: "POD_NAME", ValueFrom: &corev1.EnvVarSource{
		FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.name"},
	}})
	secret := &corev1.SecretKeySelector{Key: d.of([]string{"password", "token", "dsn"})}
	secret.Name = fmt.Sprintf("%s-%s", w.name, d.of([]string{"database", "broker", "credentials"}))
	made.Env = append(made.Env, corev1.EnvVar{Name: "SECRET", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: secret}})
	for _, variable := range d.some(environmentNames, d.between(wanted.environment[0], wanted.environment[1])) {
		made.Env = append(made.Env, corev1.EnvVar{Name: variable, Value: d.value(service)})
	}
	port := int32(d.between(1024, 32000))
	made.Ports = []corev1.ContainerPort{{Name: "http", ContainerPort: port, Protocol: corev1.ProtocolTCP}}
	made.Resources = corev1.ResourceRequirements{
		Limits: corev1.ResourceList{
			corev1.ResourceCPU:    resource.MustParse(fmt.Sprint(d.between(1, 8))),
			corev1.ResourceMemory: resource.MustParse(fmt.Sprintf("%dMi", 128*d.between(4, 64))),
		},
		Requests: corev1.ResourceList{
			corev1.ResourceCPU:    resource.MustParse(fmt.Sprintf("%dm", 50*d.between(1, 19))),
			corev1.ResourceMemory: resource.MustParse(fmt.Sprintf("%dMi", 64*d.between(1, 31))),
		},
	}
	made.VolumeMounts = []corev1.VolumeMount{
		{Name: "config", ReadOnly: true, MountPath: "/etc/" + service},
		{Name: "scratch", MountPath: "/var/run/" + service},
	}
	probe := func(path string) *corev1.Probe {
		return &corev1.Probe{
			ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
				Path: path, Port: intstr.FromString("http"), Scheme: corev1.URISchemeHTTP,
			}},
			InitialDelaySeconds: int32(d.between(0, 30)), TimeoutSeconds: int32(d.between(1, 5)),
			PeriodSeconds: int32(d.between(5, 30)), SuccessThreshold: 1, FailureThreshold: int32(d.between(2, 6)),
		}
	}
	made.LivenessProbe, made.ReadinessProbe = probe("/healthz"), probe("/ready")
	yes, no := true, false
	made.SecurityContext = &corev1.SecurityContext{
		Capabilities:           &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		ReadOnlyRootFilesystem: &yes, AllowPrivilegeEscalation: &no,
	}
	return made
}

// pod is one pod of the workload, with what no two pods share.
func (w *workload) pod(seed uint64, number int, wanted size) *corev1.Pod {
	d := newDice(seed, uint64(number))
	created := metav1.NewTime(d.ago(60 * 24 * time.Hour))
	made := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name:         fmt.Sprintf("%s-%s-%s", w.name, w.hash, unique(number)),
		GenerateName: fmt.Sprintf("%s-%s-", w.name, w.hash), Namespace: w.namespace,
		UID: types.UID(d.uid()), ResourceVersion: versionMark, Generation: 1, CreationTimestamp: created,
		Labels: w.template.Labels, Annotations: map[string]string{StampAnnotation: stampMark},
	}, Spec: *w.template.Spec.DeepCopy()}
	for name, value := range w.template.Annotations {
		made.Annotations[name] = value
	}
	yes := true
	made.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "apps/v1", Kind: "ReplicaSet", Name: w.name + "-" + w.hash, UID: w.owner, Controller: &yes,
		BlockOwnerDeletion: &yes,
	}}
	if !wanted.bare {
		token, mode := "kube-api-access-"+d.suffix(5), int32(420)
		made.Spec.Volumes = append(made.Spec.Volumes, tokenVolume(token, &mode))
		for i := range made.Spec.Containers {
			made.Spec.Containers[i].VolumeMounts = append(made.Spec.Containers[i].VolumeMounts, corev1.VolumeMount{
				Name: token, ReadOnly: true, MountPath: "/var/run/secrets/kubernetes.io/serviceaccount",
			})
		}
	}
	unscheduled := generic(made.Spec)
	if wanted.bare {
		made.Status = pending(created)
	} else {
		made.Spec.NodeName = fmt.Sprintf("ip-10-%d-%d-%d.eu-central-1.compute.example.com", d.IntN(4), d.IntN(16), d.IntN(250))
		made.Status = w.running(d, made)
	}
	made.ManagedFields = owners(made, unscheduled)
	return made
}

func tokenVolume(name string, mode *int32) corev1.Volume {
	expires := int64(3607)
	root := &corev1.ConfigMapProjection{Items: []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}}}
	root.Name = "kube-root-ca.crt"
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
		DefaultMode: mode, Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{ExpirationSeconds: &expires, Path: "token"}},
			{ConfigMap: root},
			{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{
				Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.namespace"},
			}}}},
		},
	}}}
}

// pending is what the scheduler says of a pod for which there is no node.
func pending(since metav1.Time) corev1.PodStatus {
	return corev1.PodStatus{
		Phase: corev1.PodPending, QOSClass: corev1.PodQOSBestEffort, Conditions: []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, LastTransitionTime: since,
			Reason: corev1.PodReasonUnschedulable, Message: "0/250 nodes are available: 250 Insufficient cpu.",
		}},
	}
}

// running is what the kubelet says of a pod that runs.
func (w *workload) running(d dice, pod *corev1.Pod) corev1.PodStatus {
	started := metav1.NewTime(pod.CreationTimestamp.Add(time.Duration(d.between(1, 90)) * time.Second))
	address := fmt.Sprintf("10.%d.%d.%d", d.between(100, 180), d.IntN(256), d.between(1, 254))
	host := fmt.Sprintf("10.%d.%d.%d", d.IntN(4), d.IntN(16), d.IntN(250))
	made := corev1.PodStatus{
		ObservedGeneration: 1, Phase: corev1.PodRunning, HostIP: host, HostIPs: []corev1.HostIP{{IP: host}},
		PodIP: address, PodIPs: []corev1.PodIP{{IP: address}}, StartTime: &pod.CreationTimestamp,
		QOSClass: corev1.PodQOSBurstable,
	}
	for _, kind := range []corev1.PodConditionType{
		corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady, corev1.PodScheduled,
	} {
		made.Conditions = append(made.Conditions, corev1.PodCondition{
			Type: kind, ObservedGeneration: 1, Status: corev1.ConditionTrue,
			LastTransitionTime: metav1.NewTime(started.Add(time.Duration(d.IntN(20)) * time.Second)),
		})
	}
	yes := true
	for _, container := range pod.Spec.Containers {
		image := w.images[container.Name]
		status := corev1.ContainerStatus{
			Name: container.Name, Ready: true, Started: &yes, Image: image,
			ImageID:     image[:strings.LastIndex(image, ":")] + "@sha256:" + w.digests[container.Name],
			ContainerID: "containerd://" + d.hex(64),
			State:       corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: started}},
		}
		if d.IntN(6) == 0 {
			status.RestartCount = int32(d.between(1, 9))
			status.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{
				ExitCode: []int32{1, 2, 137, 143}[d.IntN(4)], Reason: d.of([]string{"Error", "OOMKilled"}),
				StartedAt: metav1.NewTime(pod.CreationTimestamp.Add(time.Second)), FinishedAt: started,
				ContainerID: "containerd://" + d.hex(64),
			}
		}
		made.ContainerStatuses = append(made.ContainerStatuses, status)
	}
	return made
}

// owners are the managedFields of a pod that a replica set made and a kubelet reports on.
func owners(pod *corev1.Pod, created map[string]any) []metav1.ManagedFieldsEntry {
	for _, untracked := range []string{"tolerations", "priority", "preemptionPolicy", "nodeName"} {
		delete(created, untracked) // set by admission, or by the binding
	}
	var volumes []any
	for _, volume := range list(created["volumes"]) {
		if !strings.HasPrefix(volume.(map[string]any)["name"].(string), "kube-api-access-") {
			volumes = append(volumes, volume)
		}
	}
	if created["volumes"] = volumes; volumes == nil {
		delete(created, "volumes")
	}
	for _, each := range list(created["containers"]) {
		container := each.(map[string]any)
		if mounts := list(container["volumeMounts"]); len(mounts) > 0 {
			container["volumeMounts"] = mounts[:len(mounts)-1] // the last one is the token, by admission
		}
	}
	metadata := generic(pod.ObjectMeta)
	given := map[string]any{}
	for _, name := range []string{"generateName", "labels", "annotations", "ownerReferences"} {
		given[name] = metadata[name]
	}
	status := generic(pod.Status)
	delete(status, "qosClass")
	entries := []metav1.ManagedFieldsEntry{
		managed("kube-controller-manager", "v1", "", pod.CreationTimestamp, map[string]any{"metadata": given, "spec": created}),
	}
	if pod.Status.Phase == corev1.PodPending {
		scheduler := map[string]any{"status": map[string]any{"conditions": status["conditions"]}}
		return append(entries, managed("kube-scheduler", "v1", "status", pod.CreationTimestamp, scheduler))
	}
	conditions := []any{}
	for _, each := range list(status["conditions"]) {
		if each.(map[string]any)["type"] != string(corev1.PodScheduled) {
			conditions = append(conditions, each)
		}
	}
	status["conditions"] = conditions
	running := pod.Status.ContainerStatuses[0].State.Running.StartedAt
	return append(entries, managed("kubelet", "v1", "status", running, map[string]any{"status": status}))
}

func list(value any) []any {
	items, _ := value.([]any)
	return items
}
