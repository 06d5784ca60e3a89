// SPDX-License-Identifier: MIT
#include "datapath/bpf_programs.h"

#include <algorithm>
#include <cstdarg>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/bytes.h"
#include "base/log.h"
#include "datapath/bpf_objects.h"

namespace wg {

namespace {

constexpr const char *CONFIG_PIN = "config";

int print_libbpf(libbpf_print_level level, const char *format, va_list arguments)
{
    if (level == LIBBPF_DEBUG)
        return 0;
    char text[4096]; // the verifier's log: its last part says what is wrong
    const int length = std::vsnprintf(text, sizeof(text), format, arguments);
    log::debug("libbpf: {}", text);
    return length;
}

/// Nothing where no daemon has pinned anything.
Result<std::optional<wg_config>> pinned_config(const std::string &pins)
{
    const Fd pin(bpf_obj_get((pins + "/" + CONFIG_PIN).c_str()));
    if (!pin && errno == ENOENT)
        return std::nullopt;
    if (!pin)
        return system_failure(errno, "{}/{}", pins, CONFIG_PIN);
    const std::uint32_t key = 0;
    // .rodata may be longer than config: the kernel gives all of it
    bpf_map_info info{};
    std::uint32_t info_size = sizeof(info);
    if (bpf_obj_get_info_by_fd(pin.get(), &info, &info_size) != 0)
        return system_failure(errno, "{}/{}", pins, CONFIG_PIN);
    Buffer value(std::max<std::size_t>(info.value_size, sizeof(wg_config)));
    if (bpf_map_lookup_elem(pin.get(), &key, value.data()) != 0)
        return system_failure(errno, "{}/{}", pins, CONFIG_PIN);
    const auto config = wg::load<wg_config>(Bytes(value).first(sizeof(wg_config)));
    if (config.abi_version != WG_ABI_VERSION)
        return failure(
            OTHER_ABI,
            "{0}: left by a wgxdp with ABI version {1}, this one has {2} and cannot go on "
            "with its tunnels: delete their interfaces (ip link delete NAME) and {0}, or "
            "start the wgxdp that made them",
            pins, config.abi_version, static_cast<unsigned>(WG_ABI_VERSION));
    return config;
}

} // namespace

Result<> check_pins(const std::string &pins)
{
    WG_TRY(pinned_config(pins));
    return {};
}

void BpfPrograms::Close::operator()(bpf_object *object) const
{
    bpf_object__close(object);
}

Result<BpfPrograms> BpfPrograms::load(const std::string &pins, Random &random)
{
    libbpf_set_print(print_libbpf);
    BpfPrograms programs;
    programs.pins_ = pins;
    WG_TRY(programs.open_pins());
    if (!programs.adopted_) {
        programs.config_.abi_version = WG_ABI_VERSION;
        programs.config_.max_payload = WG_STANDARD_PAYLOAD;
        random.fill(mutable_bytes_of(programs.config_.mark_secret));
    }
    WG_TRY(programs.load_objects());
    return programs;
}

Result<> BpfPrograms::load_jumbo()
{
    BpfPrograms grown;
    grown.pins_ = pins_;
    grown.adopted_ = adopted_;
    grown.config_ = config_;
    grown.config_.max_payload = WG_JUMBO_PAYLOAD;
    grown.maps_ = std::move(maps_);
    std::map<std::string, Fd> replaced;
    for (const char *name : {CONFIG_PIN, "inline_slots", "ring_slots"})
        replaced.insert(grown.maps_.extract(name));
    if (auto loaded = grown.load_objects(); !loaded) {
        maps_ = std::move(grown.maps_);
        for (auto &[name, fd] : replaced)
            maps_[name] = std::move(fd);
        return loaded;
    }
    *this = std::move(grown);
    return {};
}

Result<> BpfPrograms::load_objects()
{
    for (const BpfObject &object : bpf_objects(config_.max_payload))
        WG_TRY(load_object(object));
    return pin_maps();
}

Result<> BpfPrograms::open_pins()
{
    std::error_code error;
    std::filesystem::create_directories(pins_, error);
    if (error || ::chmod(pins_.c_str(), 0700) != 0)
        return system_failure(error ? error.value() : errno, "pin directory {}", pins_);
    const auto config = WG_TRY(pinned_config(pins_));
    if (!config)
        return {};
    config_ = *config;
    for (const auto &entry : std::filesystem::directory_iterator(pins_, error))
        if (entry.path().filename().string().rfind("nic_", 0) != 0)
            maps_[entry.path().filename()] = Fd(bpf_obj_get(entry.path().c_str()));
    adopted_ = true;
    return {};
}

Result<> BpfPrograms::load_object(const BpfObject &from)
{
    bpf_object_open_opts options{};
    options.sz = sizeof(options);
    options.object_name = from.name;
    Object object(bpf_object__open_mem(from.elf.data(), from.elf.size(), &options));
    if (!object)
        return system_failure(errno, "program {}: open", from.name);
    bpf_map *map = nullptr;
    bpf_object__for_each_map(map, object.get())
    {
        if (bpf_map__is_internal(map)) {
            WG_TRY(fill_settings(map));
        } else if (const auto known = maps_.find(bpf_map__name(map)); known != maps_.end()) {
            if (bpf_map__reuse_fd(map, known->second.get()) != 0)
                return system_failure(errno, "{}/{}: not the map it should be", pins_,
                                      bpf_map__name(map));
        }
    }
    if (const int error = bpf_object__load(object.get()); error != 0)
        return system_failure(
            -error, "program {}: the kernel refused it (--log-level debug shows why)", from.name);
    WG_TRY(keep_maps(object.get()));
    bpf_program *program = nullptr;
    bpf_object__for_each_program(program, object.get())
    {
        programs_[bpf_program__name(program)] = bpf_program__fd(program);
    }
    objects_.push_back(std::move(object));
    return {};
}

Result<> BpfPrograms::fill_settings(bpf_map *map)
{
    std::size_t size = 0;
    const auto *initial = static_cast<const std::uint8_t *>(bpf_map__initial_value(map, &size));
    Buffer rodata(initial, initial + size);
    if (size < sizeof(config_))
        return failure(EPROTO, "map {}: expected at least {} bytes", bpf_map__name(map),
                       sizeof(config_));
    std::memcpy(rodata.data(), &config_, sizeof(config_));
    if (bpf_map__set_initial_value(map, rodata.data(), size) != 0)
        return system_failure(errno, "map {}: settings", bpf_map__name(map));
    return {};
}

Result<> BpfPrograms::keep_maps(bpf_object *object)
{
    bpf_map *map = nullptr;
    bpf_object__for_each_map(map, object)
    {
        const std::string name = bpf_map__is_internal(map) ? CONFIG_PIN : bpf_map__name(map);
        if (maps_.contains(name))
            continue;
        Fd fd(::fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 0));
        if (!fd)
            return system_failure(errno, "map {}", name);
        maps_[name] = std::move(fd);
        unpinned_.insert(name);
    }
    return {};
}

/* Whenever this ends, the next daemon finds a `config`, and never slots of a size that it does not
 * say: those of another size go first, and the new ones come last. */
Result<> BpfPrograms::pin_maps()
{
    const auto path = [this](const std::string &name) { return pins_ + "/" + name; };
    for (const std::string &name : unpinned_)
        if (name != CONFIG_PIN)
            ::unlink(path(name).c_str());
    if (unpinned_.erase(CONFIG_PIN) > 0) {
        const std::string begun = path("new_config");
        ::unlink(begun.c_str());
        if (bpf_obj_pin(maps_.at(CONFIG_PIN).get(), begun.c_str()) != 0 ||
            ::rename(begun.c_str(), path(CONFIG_PIN).c_str()) != 0)
            return system_failure(errno, "{}: pin", path(CONFIG_PIN));
    }
    for (const std::string &name : unpinned_)
        if (bpf_obj_pin(maps_.at(name).get(), path(name).c_str()) != 0)
            return system_failure(errno, "{}: pin", path(name));
    unpinned_.clear();
    return {};
}

int BpfPrograms::map(const std::string &name) const
{
    const auto found = maps_.find(name);
    if (found == maps_.end()) {
        log::error("no map {}: this is a bug", name);
        std::abort();
    }
    return found->second.get();
}

int BpfPrograms::program(const std::string &name) const
{
    const auto found = programs_.find(name);
    if (found == programs_.end()) {
        log::error("no program {}: this is a bug", name);
        std::abort();
    }
    return found->second;
}

void remove_pins(const std::string &pins)
{
    std::error_code ignored;
    std::filesystem::remove_all(pins, ignored);
}

} // namespace wg
